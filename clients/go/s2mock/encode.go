package s2mock

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Requests are structs whose zero fields are left out, so that the server's defaults apply. The tag of a
// field may have more than its name:
//
//   - required: it is sent also if it is zero;
//   - always: a negative number is sent as null;
//   - inverse: a bool is sent as its opposite.

// Always is the number of times of a fault or hold that stays until it is removed.
const Always = -1

// Unlimited is a limit that is none.
const Unlimited = -1

// Ptr returns a pointer to a value, for options where zero means something else than none.
func Ptr[Value any](value Value) *Value { return &value }

type jsonValue interface{ toJSON() any }

var duration = reflect.TypeFor[time.Duration]()

// encode returns what is marshalled for a value of a request.
func encode(value any) any {
	encoded, _ := encodeValue(reflect.ValueOf(value), true)
	return encoded
}

// encodeValue returns what is marshalled for a value, and false if it is left out.
func encodeValue(value reflect.Value, isNeeded bool) (any, bool) {
	if !value.IsValid() {
		return nil, isNeeded
	}
	switch value.Kind() {
	case reflect.Interface, reflect.Pointer:
		if value.IsNil() {
			return nil, isNeeded
		}
	}
	switch own := value.Interface().(type) {
	case Fault:
		return faultToJSON(own), true
	case json.RawMessage:
		return own, true
	case jsonValue:
		encoded := own.toJSON()
		return encoded, encoded != nil || isNeeded
	}
	if value.Type() == duration {
		seconds := time.Duration(value.Int())
		if seconds == Forever {
			return "inf", true
		}
		return seconds.Seconds(), seconds != 0 || isNeeded
	}
	switch value.Kind() {
	case reflect.Interface, reflect.Pointer:
		return encodeValue(value.Elem(), true)
	case reflect.Struct:
		return encodeFields(value), isNeeded || !value.IsZero()
	case reflect.Slice:
		if value.IsNil() {
			return []any{}, isNeeded
		}
		list := make([]any, value.Len())
		for index := range list {
			list[index], _ = encodeValue(value.Index(index), true)
		}
		return list, true
	case reflect.Map:
		members := make(map[string]any, value.Len())
		for _, key := range value.MapKeys() {
			members[fmt.Sprint(key.Interface())], _ = encodeValue(value.MapIndex(key), true)
		}
		return members, isNeeded || !value.IsNil()
	default:
		return value.Interface(), isNeeded || !value.IsZero()
	}
}

func encodeFields(value reflect.Value) map[string]any {
	members := map[string]any{}
	for index := range value.NumField() {
		key, options, _ := strings.Cut(value.Type().Field(index).Tag.Get("json"), ",")
		if key == "" || key == "-" {
			continue
		}
		field := value.Field(index)
		switch {
		case strings.Contains(options, "inverse"):
			if field.Bool() {
				members[key] = false
			}
		case strings.Contains(options, "always") && field.Int() < 0:
			members[key] = nil
		default:
			if encoded, has := encodeValue(field, strings.Contains(options, "required")); has {
				members[key] = encoded
			}
		}
	}
	return members
}

// decodeFields reads an object into a struct that [encodeFields] has written.
func decodeFields(data []byte, into any) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	value := reflect.ValueOf(into).Elem()
	for index := range value.NumField() {
		key, options, _ := strings.Cut(value.Type().Field(index).Tag.Get("json"), ",")
		member, has := members[key]
		if !has {
			continue
		}
		field := value.Field(index)
		var err error
		switch {
		case strings.Contains(options, "inverse"):
			field.SetBool(string(member) == "false")
		case strings.Contains(options, "always") && string(member) == "null":
			field.SetInt(Always)
		case field.Type() == duration && string(member) == `"inf"`:
			field.SetInt(int64(Forever))
		case field.Type() == duration:
			var seconds float64
			err = json.Unmarshal(member, &seconds)
			field.SetInt(int64(seconds * float64(time.Second)))
		default:
			err = json.Unmarshal(member, field.Addr().Interface())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}
