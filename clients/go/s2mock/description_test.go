package s2mock

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The types and the routes of this package are those of the description of the control API, each way.

// description is what is read of the description.
type description struct {
	Paths map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Parameters  []struct{ Name, In string }
	}
	Components struct{ Schemas map[string]schema }
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Format     string
	Nullable   bool
	Enum       []any
	Required   []string
	Properties map[string]schema
	Items      *schema
	AllOf      []schema
	OneOf      []schema
	Additional json.RawMessage `json:"additionalProperties"`
}

// types are the counterparts of schemas.
var types = map[string]any{
	"Index": index{}, "Error": Error{},
	"Operation": Operation{}, "OperationList": Ops{}, "OperationNames": Ops{}, "S2ErrorCode": Code{},
	"ErrorCode": ControlCode{}, "Bytes": Bytes{}, "Headers": Headers{}, "Connection": Connection{},
	"AccountList": accountList{}, "Account": ListedAccount{}, "NewAccount": newAccount{},
	"ClockKind": ClockKind{}, "BasinResource": Basin{}, "StreamResource": Stream{},
	"BasinSeedConfig": BasinConfig{}, "StreamSeedConfig": StreamConfig{},
	"BasinConfig": BasinConfig{}, "StreamConfig": StreamConfig{}, "RetentionSeed": Retention{},
	"RetentionPolicy": Retention{}, "Timestamping": Timestamping{}, "TimestampingMode": TimestampingMode{},
	"DeleteOnEmpty": DeleteOnEmpty{}, "Cipher": Cipher{}, "Location": Location{}, "Limits": Limits{},
	"AccountRequest": AccountOptions{}, "FaultRequest": FaultOptions{}, "HoldRequest": holdOptions{},
	"ReleaseRequest": releaseOptions{}, "AdvanceRequest": advanceOptions{},
	"Fail": Fail{}, "Drop": Drop{}, "Cut": Cut{}, "Delay": Delay{}, "Late": Late{}, "Silence": Silence{},
	"Slow": Slow{}, "Answer": Answer{}, "Drain": Drain{},
	"InjectedFault": InjectedFault{}, "InjectedFaults": injectedFaults{}, "LateRemarks": lateRemarks{},
	"HoldPoint": Point{}, "Hold": HoldState{}, "HoldList": holdList{},
	"Exchange": Exchange{}, "ExchangeRequest": ExchangeRequest{}, "ExchangeResponse": ExchangeResponse{},
	"Effect": Effect{}, "EffectKind": EffectKind{}, "Protocol": Protocol{}, "Journal": JournalState{},
	"AdvisedExchanges": advisedExchanges{}, "Clock": ClockState{}, "Readers": readers{}, "Position": Position{},
	"BasinState": BasinState{}, "BasinInfo": BasinInfo{}, "StreamInfo": StreamInfo{}, "BasinView": BasinView{},
	"StreamView": StreamView{}, "Record": Record{}, "RecordList": recordList{},
	"AccessTokenScope": TokenScope{}, "ResourceSet": ResourceSet{}, "OperationGroups": OperationGroups{},
	"Permissions": Permissions{}, "Snapshot": takenSnapshot{}, "Coverage": Coverage{},
	"OperationCoverage": OperationCoverage{}, "ShownExchange": ShownExchange{}, "TimelineRow": TimelineRow{},
	"Timeline": Timeline{}, "JournalRange": JournalRange{}, "Status": Status{}, "Waiting": Waiting{},
	"Wait": Wait{}, "FaultStatus": FaultStatus{}, "HoldStatus": HoldStatus{}, "HookStatus": HookStatus{},
	"ListedExchange": ListedExchange{}, "Overview": Overview{}, "BasinOverview": BasinOverview{},
	"StreamOverview": StreamOverview{}, "History": History{}, "HistoryRecord": HistoryRecord{},
	"StreamLifetime": StreamLifetime{}, "CommandRecord": CommandRecord{}, "Command": Command{},
	"Removal": Removal{}, "CampaignKind": CampaignKind{}, "SweepCampaign": SweepPlan{},
	"OrdersCampaign": OrdersPlan{}, "CrashCampaign": CrashPlan{}, "SweepPoint": SweepPoint{},
	"CrashPoint": CrashPoint{}, "CampaignPoint": AttemptPoint{}, "NewCampaign": newCampaign{},
	"CampaignActor": CampaignActor{}, "AttemptOutcome": Outcome{}, "AttemptEnd": attemptEnd{},
	"CampaignAttempt": CampaignAttempt{}, "CampaignFailure": CampaignFailure{}, "CampaignReport": CampaignReport{},
}

// withoutType are schemas without a type of their own, with the reason.
var withoutType = map[string]string{
	"Description": "the description itself", "Info": "the description itself", "Server": "the description itself",
	"S2Error":     "read as an Error",
	"Operations":  "the interface Operations, of Operation and Ops",
	"Text":        "a part of Bytes",
	"Base64":      "a part of Bytes",
	"ManualClock": "ClockManualAt", "ClockOption": "the interface Clocks",
	"BasinName": "Basins", "BasinRequest": "the same as Basin in another spelling", "BasinSeed": "Basin",
	"StreamName": "Streams", "StreamRequest": "the same as Stream in another spelling", "StreamSeed": "Stream",
	"RetentionText": "RetainFor and RetainForever", "InfiniteRetention": "RetainForever",
	"DeleteOnEmptySeed": "DeleteOnEmpty, which gives the seconds",
	"LocationName":      "Location", "LocationOption": "Location",
	"LatencySeconds": "Latency", "CloudLatency": "LatencyCloud", "AppendLatency": "the interface Latencies",
	"NamedLimits": "LimitsCloud and LimitsFree", "LimitsOption": "the interface AccountLimits",
	"ConnectionEnds": "Connection", "ConnectionReset": "Connection",
	"Fault": "the interface Fault", "Faults": "the interface Faults", "FaultList": "Each",
	"FailFault": "Fail", "DropFault": "Drop", "CutFault": "Cut", "DelayFault": "Delay", "LateFault": "Late",
	"SilenceFault": "Silence", "SlowFault": "Slow", "AnswerFault": "Answer", "DrainFault": "Drain",
	"Infinity": "Forever", "Seconds": "a duration", "DelaySeconds": "a duration",
	"HeaderMap": "a map", "HeaderPair": "Headers", "HeaderPairs": "Headers", "RecordHeader": "a pair of bytes",
	"AccessToken": "tokens are looked at through S2's own API", "SnapshotFile": "ParseSnapshot",
	"Counts": "a map", "HistoryHeader": "a pair of Bytes", "ShownTail": "a pair of numbers",
	"CampaignList": "of the page", "ListedCampaign": "of the page", "ListedAttempt": "of the page",
	"ShortestFailure": "of the page",
	"CampaignRequest": "the plans, and the JSON that Replay takes",
}

// withoutField are members without a field of their own, with the reason.
var withoutField = map[string]string{
	"SweepCampaign.kind": "of its method", "OrdersCampaign.kind": "of its method", "CrashCampaign.kind": "of its method",
	"RetentionPolicy.age": "RetainFor", "RetentionPolicy.infinite": "RetainForever",
	"RetentionSeed.age": "RetainFor", "RetentionSeed.infinite": "RetainForever",
	"Error.code": "a text, since that of a direct call is a code of S2",
}

// withoutMethod are operations without a method, with the reason.
var withoutMethod = map[string]string{
	"describe": "the description itself", "getPage": "a page for browsers",
	"listCampaigns": "of the page",
	"lookAtToken":   "tokens are looked at through S2's own API",
}

// withoutParameter are parameters that no request has, with the reason.
var withoutParameter = map[string]string{
	"lookAtBasin incarnation": "of handles in Python", "lookAtStream incarnation": "of handles in Python",
	"lookAtStream basin_incarnation": "of handles in Python", "lookAtRecords incarnation": "of handles in Python",
	"lookAtStream readers": "WaitForReaders does it", "lookAtStream wait": "WaitForReaders does it",
	"takeAdvice open": "of the end of a test in Python", "listStreams contains": "of the page",
	"listStreams limit": "of the page", "readHistory before": "of the page", "readHistory count": "of the page",
}

func readDescription(t *testing.T) description {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "s2mock", "control", "openapi.json"))
	if err != nil {
		t.Skip("this is no checkout of s2mock: ", err)
	}
	var read description
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

func TestEachSchemaHasAType(t *testing.T) {
	described := readDescription(t)
	for name := range described.Components.Schemas {
		_, has := types[name]
		if _, hasReason := withoutType[name]; has == hasReason {
			t.Errorf("the schema %s needs a type, or a reason for none", name)
		}
	}
	for _, names := range []([]string){slices.Collect(maps.Keys(types)), slices.Collect(maps.Keys(withoutType))} {
		for _, name := range names {
			if _, has := described.Components.Schemas[name]; !has {
				t.Errorf("there is no schema %s", name)
			}
		}
	}
}

func TestEachMemberHasAFieldAndEachFieldAMember(t *testing.T) {
	described := readDescription(t)
	used := map[string]bool{}
	for name, value := range types {
		kind := reflect.TypeOf(value)
		if kind.Kind() != reflect.Struct || kind == reflect.TypeFor[Connection]() {
			continue
		}
		members := described.membersOf(described.Components.Schemas[name])
		fields := fieldsOf(kind)
		for member, of := range members {
			key := name + "." + member
			field, has := fields[member]
			if _, hasReason := withoutField[key]; hasReason {
				used[key] = true
				continue
			} else if !has {
				t.Errorf("%v has no field for the member %s", kind, key)
				continue
			}
			if why := described.mismatch(of, field.Type, field.Tag.Get("json")); why != "" {
				t.Errorf("%v.%s is no field for the member %s: %s", kind, field.Name, key, why)
			}
		}
		for member, field := range fields {
			if _, has := members[member]; !has {
				t.Errorf("%v.%s is a field for the member %s, which %s has not", kind, field.Name, member, name)
			}
		}
	}
	for key := range withoutField {
		if !used[key] {
			t.Errorf("there is no member %s", key)
		}
	}
}

// membersOf returns the members of an object, or of all objects of which it is one.
func (d description) membersOf(of schema) map[string]schema {
	members := maps.Clone(of.Properties)
	for _, one := range of.OneOf {
		if members == nil {
			members = map[string]schema{}
		}
		maps.Copy(members, d.membersOf(d.resolve(one)))
	}
	return members
}

// resolve returns the schema that a reference is for.
func (d description) resolve(of schema) schema {
	if len(of.AllOf) > 0 {
		found := d.resolve(of.AllOf[0])
		found.Nullable = found.Nullable || of.Nullable
		return found
	}
	if of.Ref == "" {
		return of
	}
	return d.Components.Schemas[of.Ref[strings.LastIndex(of.Ref, "/")+1:]]
}

// refOf returns the name of the schema that it refers to, or "".
func refOf(of schema) string {
	if len(of.AllOf) > 0 {
		return refOf(of.AllOf[0])
	}
	return of.Ref[strings.LastIndex(of.Ref, "/")+1:]
}

// fieldsOf returns the fields of a struct by the members that they are for.
func fieldsOf(kind reflect.Type) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for index := range kind.NumField() {
		field := kind.Field(index)
		member, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case kind == reflect.TypeFor[Error]() && field.Name != "Status":
			fields[strings.ToLower(field.Name)] = field
		case member != "" && member != "-":
			fields[member] = field
		}
	}
	return fields
}

var nameType = reflect.TypeFor[name]()

// mismatch returns why a value of a type is none of a schema, or "".
func (d description) mismatch(of schema, kind reflect.Type, tag string) string {
	name, resolved := refOf(of), d.resolve(of)
	switch kind.Kind() {
	case reflect.Pointer:
		of.Nullable = false
		return d.mismatch(of, kind.Elem(), tag)
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		// A late operation after no reads is one that is not late.
		if of.Nullable && kind != duration && !strings.Contains(tag, ",always") && tag != "reads" {
			return "it cannot be null"
		}
	}
	if wanted, has := types[name]; has {
		if kind == reflect.TypeOf(wanted) {
			return ""
		}
		if wantedKind := reflect.TypeOf(wanted); wantedKind.Kind() == reflect.Struct {
			return "it is no " + wantedKind.String()
		}
	}
	switch kind {
	case duration:
		if resolved.Type != "number" && resolved.Type != "integer" && name != "DelaySeconds" {
			return "it is no number of seconds"
		}
		return ""
	case reflect.TypeFor[time.Time]():
		return unless(resolved.Format == "date-time", "it is no date")
	case reflect.TypeFor[Snapshot]():
		return unless(resolved.Type == "integer", "it is no number of a snapshot")
	case reflect.TypeFor[json.RawMessage]():
		return unless(name == "CampaignRequest" || resolved.Type == "", "it has a type")
	case reflect.TypeFor[DeleteOnEmpty]():
		return unless(name == "DeleteOnEmptySeed", "it is another object")
	case reflect.TypeFor[AttemptPoint]():
		return unless(name == "CampaignPoint", "it is no point")
	}
	if kind.Kind() == reflect.Struct && kind.NumField() == 1 && kind.Field(0).Type == nameType {
		// The point at which an operation is held is described in words.
		isPoint := kind == reflect.TypeFor[Point]()
		return unless(resolved.Type == "string" && (len(resolved.Enum) > 0 || isPoint), "it is no name")
	}
	switch kind.Kind() {
	case reflect.Interface:
		wanted := map[string]string{
			"Fault": "Fault", "Faults": "Faults", "Operations": "Operations", "ClockOption": "Clocks",
			"AppendLatency": "Latencies", "LimitsOption": "AccountLimits",
		}[name]
		return unless(wanted == kind.Name(), "it is another interface")
	case reflect.String:
		return unless(resolved.Type == "string" && resolved.Format != "byte", "it is no text")
	case reflect.Bool:
		return unless(resolved.Type == "boolean", "it is no bool")
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return unless(resolved.Type == "integer", "it is no whole number")
	case reflect.Float64:
		return unless(resolved.Type == "number", "it is no number")
	case reflect.Map:
		return unless(resolved.Type == "object", "it is no object")
	case reflect.Slice:
		if kind.Elem().Kind() == reflect.Uint8 {
			return unless(resolved.Format == "byte" || name == "Bytes", "it is not bytes")
		}
		if resolved.Type != "array" {
			return "it is no list"
		}
		return d.mismatchOfItem(*resolved.Items, kind.Elem())
	case reflect.Array:
		return unless(resolved.Type == "array", "it is no list")
	}
	return "its type is not known"
}

func (d description) mismatchOfItem(of schema, kind reflect.Type) string {
	switch refOf(of) {
	case "BasinSeed":
		return unless(kind == reflect.TypeFor[Basin](), "it is no list of basins")
	case "StreamSeed":
		return unless(kind == reflect.TypeFor[Stream](), "it is no list of streams")
	case "LocationOption":
		return unless(kind == reflect.TypeFor[Location](), "it is no list of locations")
	}
	return d.mismatch(of, kind, "")
}

func unless(is bool, why string) string {
	if is {
		return ""
	}
	return why
}

// parsed returns the files of this package but its tests.
func parsed(t *testing.T) []*ast.File {
	t.Helper()
	paths, _ := filepath.Glob("*.go")
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// namesOf returns the texts of all names of this package, by their types.
func namesOf(files []*ast.File) map[string][]string {
	found := map[string][]string{}
	for _, file := range files {
		ast.Inspect(file, func(node ast.Node) bool {
			literal, is := node.(*ast.CompositeLit)
			if !is || len(literal.Elts) != 1 {
				return true
			}
			inner, is := literal.Elts[0].(*ast.CompositeLit)
			if !is || len(inner.Elts) != 1 {
				return true
			}
			kind, isKind := literal.Type.(*ast.Ident)
			of, isName := inner.Type.(*ast.Ident)
			text, isText := inner.Elts[0].(*ast.BasicLit)
			if isKind && isName && isText && of.Name == "name" {
				unquoted, _ := strconv.Unquote(text.Value)
				found[kind.Name] = append(found[kind.Name], unquoted)
			}
			return true
		})
	}
	return found
}

func TestEachNameOfTheDescriptionIsAValue(t *testing.T) {
	described := readDescription(t)
	found := namesOf(parsed(t))
	enums := map[string][]any{
		"Auth":         described.Components.Schemas["AccountRequest"].Properties["auth"].Enum,
		"Profile":      described.Components.Schemas["AccountRequest"].Properties["profile"].Enum,
		"CrashTime":    described.Components.Schemas["CrashPoint"].Properties["when"].Enum,
		"namedLimits":  described.Components.Schemas["NamedLimits"].Enum,
		"namedLatency": described.Components.Schemas["CloudLatency"].Enum,
	}
	for name, one := range described.Components.Schemas {
		if value, has := types[name]; has && len(one.Enum) > 0 {
			enums[reflect.TypeOf(value).Name()] = one.Enum
		}
	}
	for kind, wanted := range enums {
		var texts []string
		for _, one := range wanted {
			texts = append(texts, one.(string))
		}
		if slices.Sort(texts); !slices.Equal(texts, slices.Sorted(slices.Values(found[kind]))) {
			t.Errorf("%s has the names %q, and the description %q", kind, found[kind], texts)
		}
	}
	for kind := range found {
		if _, has := enums[kind]; !has {
			t.Errorf("the description has no names for %s", kind)
		}
	}
}

func TestEachFaultIsAKind(t *testing.T) {
	described := readDescription(t)
	var wanted []string
	for _, one := range described.Components.Schemas["Fault"].OneOf {
		for name := range described.resolve(one).Properties {
			wanted = append(wanted, name)
		}
	}
	if slices.Sort(wanted); !slices.Equal(wanted, slices.Sorted(maps.Keys(faultKinds))) {
		t.Errorf("the faults are %q", wanted)
	}
}

func TestRoutesAreThoseOfTheDescription(t *testing.T) {
	described := readDescription(t)
	value := reflect.ValueOf(routes)
	found := map[string]string{}
	for index := range value.NumField() {
		one := value.Field(index)
		found[value.Type().Field(index).Name] = one.Field(0).String() + " " + one.Field(1).String()
	}
	for path, methods := range described.Paths {
		for method, operation := range methods {
			name := operation.OperationID
			wanted := strings.ToUpper(method) + " " + strings.TrimPrefix(path, "/_s2mock")
			_, hasReason := withoutMethod[name]
			if !hasReason && found[name] != wanted {
				t.Errorf("the route %s is %q, and in the description %q", name, found[name], wanted)
			}
			delete(found, name)
		}
	}
	for name := range found {
		t.Errorf("the description has no operation %s", name)
	}
}

func TestEachRouteHasAMethodThatSendsItsParameters(t *testing.T) {
	described := readDescription(t)
	used := map[string]int{}
	source := ""
	for _, file := range parsed(t) {
		ast.Inspect(file, func(node ast.Node) bool {
			if selected, is := node.(*ast.SelectorExpr); is {
				if of, is := selected.X.(*ast.Ident); is && of.Name == "routes" {
					used[selected.Sel.Name]++
				}
			}
			return true
		})
	}
	paths, _ := filepath.Glob("*.go")
	for _, path := range paths {
		if data, err := os.ReadFile(path); err == nil && !strings.HasSuffix(path, "_test.go") {
			// Without the tags of fields.
			source += regexp.MustCompile("`[^`]*`").ReplaceAllString(string(data), "")
		}
	}
	reasons := maps.Clone(withoutParameter)
	for _, methods := range described.Paths {
		for _, operation := range methods {
			name := operation.OperationID
			if _, hasReason := withoutMethod[name]; hasReason == (used[name] > 0) {
				t.Errorf("the route %s needs a method, or a reason for none", name)
			} else if hasReason {
				continue
			}
			for _, parameter := range operation.Parameters {
				key := name + " " + parameter.Name
				_, hasReason := reasons[key]
				delete(reasons, key)
				isSent := regexp.MustCompile(`"` + parameter.Name + `"`).MatchString(source)
				if parameter.In == "query" && !hasReason && !isSent {
					t.Errorf("no request has the parameter %s", key)
				}
			}
		}
	}
	for key := range reasons {
		t.Errorf("there is no parameter %s", key)
	}
}
