package s2mock

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode/utf8"
)

// Forever is the duration of a [Delay] that ends with the test.
const Forever = time.Duration(math.MaxInt64)

// Fault is what an operation meets: [Fail], [Drop], [Cut], [Delay], [Late], [Silence], [Slow], [Answer] or
// [Drain].
type Fault interface {
	Faults
	isFault()
}

// Faults are one [Fault], or one for each matching operation as [Each].
type Faults interface{ isFaults() }

// Each is one fault for each matching operation; nil lets one pass.
type Each []Fault

// Fail is S2's response for an error code.
type Fail struct {
	// Code is the error code of S2.
	Code Code `json:"code"`
	// Message is the text beside the code, S2's own if it is empty.
	Message string `json:"message"`
	// RetryAfter is sent as `retry-after-ms`, if it is not 0.
	RetryAfter time.Duration `json:"retry_after"`
	// Committed is true if the operation is carried out all the same.
	Committed bool `json:"committed"`
	// Records is the number of records after which a read session fails.
	Records *int `json:"records"`
}

// Drop is a connection that ends without a response.
type Drop struct {
	// Committed is true if the operation is carried out all the same.
	Committed bool `json:"committed"`
	// Connection is how the connection ends; it ends by default, but not with Refused.
	Connection Connection `json:"connection"`
	// Refused is true if the one HTTP/2 stream is refused, which promises that nothing has happened.
	Refused bool `json:"refused"`
}

// Cut is a response that breaks off.
type Cut struct {
	// Records is the number of records of a read after which it breaks off.
	Records *int `json:"records"`
	// Bytes is the number of bytes of the body after which it breaks off.
	Bytes *int `json:"bytes"`
	// Connection is how the connection ends; it ends by default.
	Connection Connection `json:"connection"`
}

// Delay is a response that is sent later, by the account's clock.
type Delay struct {
	// Duration may be [Forever].
	Duration time.Duration `json:"seconds,required"`
	// Committed is true if the operation is carried out before the delay.
	Committed bool `json:"committed"`
	// Jitter is added in part, drawn from the seed of the server.
	Jitter time.Duration `json:"jitter"`
}

// Late is an operation that is applied after its client was given up on: after a time, or after reads.
type Late struct {
	// After is the time, by the account's clock, after which it is applied.
	After time.Duration `json:"seconds"`
	// Reads is the number of reads and tail checks of its stream after which it is applied.
	Reads int `json:"reads"`
	// Code is the error to respond with; without it, the connection ends.
	Code Code `json:"code"`
}

// Silence is a response that stops, on a connection that stays open.
type Silence struct {
	// Records is the number of records of a read before the silence.
	Records *int `json:"records"`
	// Bytes is the number of bytes of the body before the silence.
	Bytes *int `json:"bytes"`
}

// Slow is a response in pieces, or at a pace.
type Slow struct {
	// BytesPerSecond is the pace, by the account's clock.
	BytesPerSecond float64 `json:"bytes_per_second"`
	// Chunk is the largest number of bytes of a piece.
	Chunk int `json:"chunk"`
}

// Answer is a response that does not come from S2, such as that of a proxy.
type Answer struct {
	Status  int     `json:"status"`
	Body    Bytes   `json:"body"`
	Headers Headers `json:"headers"`
}

// Drain is the advice to reconnect, and the end of the connection.
type Drain struct {
	// Records is the number of records that a read gets first.
	Records *int `json:"records"`
}

// Connection says what a fault does to its TCP connection; the zero value is the default of the fault.
type Connection struct{ value any }

var (
	// ConnectionEnds ends the connection.
	ConnectionEnds = Connection{true}
	// ConnectionStays ends the one HTTP/2 stream only.
	ConnectionStays = Connection{false}
	// ConnectionReset ends the connection by a reset (RST).
	ConnectionReset = Connection{"reset"}
)

func (c Connection) toJSON() any { return c.value }

// UnmarshalJSON reads a bool or "reset".
func (c *Connection) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &c.value) }

func (Fail) isFault()    {}
func (Drop) isFault()    {}
func (Cut) isFault()     {}
func (Delay) isFault()   {}
func (Late) isFault()    {}
func (Silence) isFault() {}
func (Slow) isFault()    {}
func (Answer) isFault()  {}
func (Drain) isFault()   {}

func (Fail) isFaults()    {}
func (Drop) isFaults()    {}
func (Cut) isFaults()     {}
func (Delay) isFaults()   {}
func (Late) isFaults()    {}
func (Silence) isFaults() {}
func (Slow) isFaults()    {}
func (Answer) isFaults()  {}
func (Drain) isFaults()   {}
func (Each) isFaults()    {}

func faultToJSON(fault Fault) map[string]any {
	value := reflect.ValueOf(fault)
	return map[string]any{value.Type().Name(): encodeFields(value)}
}

// faultKinds are the types of all faults, by name.
var faultKinds = map[string]reflect.Type{
	"Fail":    reflect.TypeFor[Fail](),
	"Drop":    reflect.TypeFor[Drop](),
	"Cut":     reflect.TypeFor[Cut](),
	"Delay":   reflect.TypeFor[Delay](),
	"Late":    reflect.TypeFor[Late](),
	"Silence": reflect.TypeFor[Silence](),
	"Slow":    reflect.TypeFor[Slow](),
	"Answer":  reflect.TypeFor[Answer](),
	"Drain":   reflect.TypeFor[Drain](),
}

// shownFault is a member of a response that is a fault.
type shownFault struct{ fault Fault }

// UnmarshalJSON reads an object of one member, the name of the fault.
func (s *shownFault) UnmarshalJSON(data []byte) error {
	s.fault = nil
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	for name, arguments := range members {
		kind, is := faultKinds[name]
		if !is {
			return fmt.Errorf("%q is no fault that this package has: is the server newer?", name)
		}
		value := reflect.New(kind)
		if err := decodeFields(arguments, value.Interface()); err != nil {
			return fmt.Errorf("the fault %s: %w", name, err)
		}
		s.fault = value.Elem().Interface().(Fault)
	}
	return nil
}

// Headers are pairs of a name and a value, in order.
type Headers [][2]string

// UnmarshalJSON reads a list of pairs, or an object.
func (h *Headers) UnmarshalJSON(data []byte) error {
	var pairs [][2]string
	if err := json.Unmarshal(data, &pairs); err == nil {
		*h = pairs
		return nil
	}
	var members map[string]string
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	*h = nil
	for name, value := range members {
		*h = append(*h, [2]string{name, value})
	}
	return nil
}

// Bytes are bytes of a request or response.
type Bytes []byte

// String returns the bytes as text.
func (b Bytes) String() string { return string(b) }

func (b Bytes) toJSON() any {
	if len(b) == 0 {
		return nil
	}
	if utf8.Valid(b) {
		return string(b)
	}
	return map[string]any{"base64": []byte(b)}
}

// UnmarshalJSON reads a text, or an object with the bytes as base64.
func (b *Bytes) UnmarshalJSON(data []byte) error {
	var text *string
	if err := json.Unmarshal(data, &text); err == nil {
		*b = nil
		if text != nil {
			*b = Bytes(*text)
		}
		return nil
	}
	var encoded struct {
		Base64 []byte `json:"base64"`
	}
	err := json.Unmarshal(data, &encoded)
	*b = encoded.Base64
	return err
}
