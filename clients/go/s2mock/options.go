package s2mock

import (
	"encoding/json"
	"time"
)

// AccountOptions are the options of an account. One that is left out is that of the server.
type AccountOptions struct {
	// Name is the name of the account on the page and in reports, such as that of a test.
	Name string `json:"name"`
	// Basins exist from the start.
	Basins []Basin `json:"basins"`
	// Snapshot is the state to start from, in place of basins.
	Snapshot *Snapshot `json:"snapshot"`
	// Clock is [ClockSystem], [ClockManual], [ClockAuto] or [ClockManualAt].
	Clock Clocks `json:"clock"`
	// Auth says whether requests need a token.
	Auth Auth `json:"auth"`
	// Faults are injected from the start.
	Faults []FaultOptions `json:"faults"`
	// AppendLatency is the time that an append takes to become durable: [Latency] or [LatencyCloud].
	AppendLatency Latencies `json:"append_latency"`
	// Limits are those of a service: [LimitsCloud], [LimitsFree] or [Limits].
	Limits AccountLimits `json:"limits"`
	// Locations are where basins can be, the default first.
	Locations []Location `json:"locations"`
	// Prices are US dollars per unit, by the name of a set of metrics or of one of its series.
	Prices map[string]float64 `json:"prices"`
	// Profile says which to follow where the running service and its documentation disagree.
	Profile Profile `json:"profile"`
	// CORS says whether pages of other origins may call S2's API.
	CORS *bool `json:"cors"`
	// DeletionDelay is the time for which a deletion stays pending.
	DeletionDelay *time.Duration `json:"deletion_delay"`
	// RevocationDelay is the time for which a revoked access token still works.
	RevocationDelay *time.Duration `json:"revocation_delay"`
	// JournalLimit is the greatest number of exchanges that the journal keeps.
	JournalLimit *int `json:"journal_limit"`
	// JournalBytes is the number of bytes of bodies and long heads that the journal keeps at most.
	JournalBytes *int64 `json:"journal_bytes"`
}

// Basin is a basin that exists from the start.
type Basin struct {
	Name    string      `json:"name,required"`
	Config  BasinConfig `json:"config"`
	Streams []Stream    `json:"streams"`
}

// Stream is a stream that exists from the start.
type Stream struct {
	Name   string       `json:"name,required"`
	Config StreamConfig `json:"config"`
}

// Basins returns basins with these names, and without streams.
func Basins(names ...string) []Basin {
	basins := make([]Basin, len(names))
	for index, name := range names {
		basins[index] = Basin{Name: name}
	}
	return basins
}

// Streams returns streams with these names, and the configuration of their basin.
func Streams(names ...string) []Stream {
	streams := make([]Stream, len(names))
	for index, name := range names {
		streams[index] = Stream{Name: name}
	}
	return streams
}

// BasinConfig is the configuration of a basin.
type BasinConfig struct {
	DefaultStreamConfig  StreamConfig `json:"default_stream_config"`
	StreamCipher         Cipher       `json:"stream_cipher"`
	CreateStreamOnAppend bool         `json:"create_stream_on_append"`
	CreateStreamOnRead   bool         `json:"create_stream_on_read"`
}

// StreamConfig is the configuration of a stream.
type StreamConfig struct {
	StorageClass string `json:"storage_class"`
	// Retention is [RetainFor] or [RetainForever].
	Retention     Retention     `json:"retention_policy"`
	Timestamping  Timestamping  `json:"timestamping"`
	DeleteOnEmpty DeleteOnEmpty `json:"delete_on_empty"`
}

// Retention says how long records are kept; the zero value is the default.
type Retention struct {
	// Age is the time for which records are kept, in whole seconds.
	age time.Duration
	// IsInfinite is true if records are kept for ever.
	isInfinite bool
}

// RetainFor keeps records for a time, in whole seconds.
func RetainFor(age time.Duration) Retention { return Retention{age: age} }

// RetainForever keeps records until they are trimmed.
func RetainForever() Retention { return Retention{isInfinite: true} }

// Age returns the time for which records are kept, and false if there is no such time.
func (r Retention) Age() (time.Duration, bool) { return r.age, !r.isInfinite && r.age > 0 }

func (r Retention) toJSON() any {
	switch {
	case r.isInfinite:
		return map[string]any{"infinite": map[string]any{}}
	case r.age != 0:
		return map[string]any{"age": int64(r.age / time.Second)}
	}
	return nil
}

// UnmarshalJSON reads the policy as S2 sends it.
func (r *Retention) UnmarshalJSON(data []byte) error {
	var policy struct {
		Age      int64     `json:"age"`
		Infinite *struct{} `json:"infinite"`
	}
	err := json.Unmarshal(data, &policy)
	*r = Retention{time.Duration(policy.Age) * time.Second, policy.Infinite != nil}
	return err
}

// Timestamping says where the timestamps of records come from.
type Timestamping struct {
	Mode     TimestampingMode `json:"mode"`
	Uncapped bool             `json:"uncapped"`
}

// DeleteOnEmpty lets a stream be deleted some time after it has become empty.
type DeleteOnEmpty struct {
	// MinAge is the time, in whole seconds.
	MinAge time.Duration `json:"min_age_secs"`
}

func (d DeleteOnEmpty) toJSON() any {
	if d.MinAge == 0 {
		return nil
	}
	return map[string]any{"min_age_secs": int64(d.MinAge / time.Second)}
}

// UnmarshalJSON reads it as S2 sends it.
func (d *DeleteOnEmpty) UnmarshalJSON(data []byte) error {
	*d = DeleteOnEmpty{}
	return decodeFields(data, d)
}

// Clocks are [ClockSystem], [ClockManual], [ClockAuto] and [ClockManualAt].
type Clocks interface{ isClock() }

func (ClockKind) isClock() {}

type manualClock struct {
	manual time.Time
}

func (manualClock) isClock() {}

func (c manualClock) toJSON() any {
	return map[string]any{"manual": float64(c.manual.UnixNano()) / 1e9}
}

// ClockManualAt is a manual clock that starts at a time.
func ClockManualAt(start time.Time) Clocks { return manualClock{start} }

// Latencies are [Latency] and [LatencyCloud].
type Latencies interface{ isLatency() }

// Latency is the time that an append takes to become durable.
type Latency time.Duration

type namedLatency struct{ name }

// LatencyCloud is the bound of the hosted service for the storage class of the stream.
var LatencyCloud Latencies = namedLatency{name{"cloud"}}

func (Latency) isLatency()      {}
func (namedLatency) isLatency() {}

func (l Latency) toJSON() any { return time.Duration(l).Seconds() }

// AccountLimits are [Limits], [LimitsCloud] and [LimitsFree].
type AccountLimits interface{ areLimits() }

type namedLimits struct{ name }

var (
	// LimitsCloud are the limits of the hosted service.
	LimitsCloud AccountLimits = namedLimits{name{"cloud"}}
	// LimitsFree are the limits of the hosted service on its free tier.
	LimitsFree AccountLimits = namedLimits{name{"free"}}
)

// Limits are limits of a service; one that is 0 or [Unlimited] is none.
type Limits struct {
	// BatchesPerSecond is the number of batches a second for each stream and connection.
	BatchesPerSecond int64 `json:"batches_per_second,always"`
	// BytesPerSecond is the number of metered bytes a second that are appended to each stream.
	BytesPerSecond int64 `json:"bytes_per_second,always"`
	// Basins is the number of basins of the account.
	Basins int64 `json:"basins,always"`
	// Retention is the longest retention of records, in seconds.
	Retention int64 `json:"retention,always"`
}

func (namedLimits) areLimits() {}
func (Limits) areLimits()      {}

// Location is a location of basins.
type Location struct {
	Name                string   `json:"name,required"`
	IsPrivate           bool     `json:"is_private"`
	StorageClasses      []string `json:"storage_classes"`
	DefaultStorageClass string   `json:"default_storage_class"`
}

// FaultOptions are a fault, and the operations that it is for.
type FaultOptions struct {
	Fault Faults     `json:"fault,required"`
	On    Operations `json:"on,required"`
	// Basin is the name of a basin, or a glob such as `orders-*`; all basins if it is empty.
	Basin string `json:"basin"`
	// Stream is the name of a stream, or a glob such as `orders/*`; all streams if it is empty.
	Stream string `json:"stream"`
	// Skip is the number of matching operations to let through first.
	Skip int `json:"skip"`
	// Times is the number of operations to affect after that, 1 if it is 0; [Always] until it is removed.
	Times int `json:"times,always"`
	// IsOptional is true if it is no mistake that the fault never fires.
	IsOptional bool `json:"required,inverse"`
}

type holdOptions struct {
	On         Operations `json:"on,required"`
	Basin      string     `json:"basin"`
	Stream     string     `json:"stream"`
	Skip       int        `json:"skip"`
	Times      int        `json:"times,always"`
	IsOptional bool       `json:"required,inverse"`
	At         Point      `json:"at"`
	Hook       bool       `json:"hook"`
}

type releaseOptions struct {
	Exchange *int  `json:"exchange"`
	Fault    Fault `json:"fault"`
}

type advanceOptions struct {
	Duration time.Duration `json:"seconds,required"`
}

// InjectOption is an option of [Account.Inject]: [InBasin], [InStream], [Skip], [Times], [Optional].
type InjectOption interface{ ofFault(*FaultOptions) }

// HoldOption is an option of [Account.Hold]: [InBasin], [InStream], [Skip], [Times], [Optional], [At].
type HoldOption interface{ ofHold(*holdOptions) }

// HookOption is an option of [Account.On]: [InBasin], [InStream], [Skip], [Times], [At].
type HookOption interface{ ofHook(*holdOptions) }

// WhereOption is an option of faults, holds and hooks.
type WhereOption struct {
	set func(basin, stream *string, skip, times *int)
}

func (o WhereOption) ofFault(f *FaultOptions) { o.set(&f.Basin, &f.Stream, &f.Skip, &f.Times) }
func (o WhereOption) ofHold(h *holdOptions)   { o.set(&h.Basin, &h.Stream, &h.Skip, &h.Times) }
func (o WhereOption) ofHook(h *holdOptions)   { o.ofHold(h) }

// InBasin is for the operations of one basin, by its name or by a glob such as `orders-*`.
func InBasin(glob string) WhereOption {
	return WhereOption{func(basin, _ *string, _, _ *int) { *basin = glob }}
}

// InStream is for the operations of one stream, by its name or by a glob such as `orders/*`.
func InStream(glob string) WhereOption {
	return WhereOption{func(_, stream *string, _, _ *int) { *stream = glob }}
}

// Skip lets a number of matching operations through first.
func Skip(count int) WhereOption {
	return WhereOption{func(_, _ *string, skip, _ *int) { *skip = count }}
}

// Times is the number of operations to affect; [Always] is all of them until it is removed.
func Times(count int) WhereOption {
	return WhereOption{func(_, _ *string, _, times *int) { *times = count }}
}

// OptionalOption is the type of [Optional].
type OptionalOption struct{}

// Optional is for a fault that may never fire, or for a hold that no operation may reach.
var Optional OptionalOption

func (OptionalOption) ofFault(f *FaultOptions) { f.IsOptional = true }
func (OptionalOption) ofHold(h *holdOptions)   { h.IsOptional = true }

// PointOption is an option of holds and hooks.
type PointOption struct{ point Point }

// At is the point at which operations are held, or a function is called: by default [AtCommit].
func At(point Point) PointOption { return PointOption{point} }

func (o PointOption) ofHold(h *holdOptions) { h.At = o.point }
func (o PointOption) ofHook(h *holdOptions) { h.At = o.point }

// SweepPlan is a campaign with each fault at each matching operation, one attempt each, after one attempt
// without a fault.
type SweepPlan struct {
	Faults []Fault    `json:"faults"`
	On     Operations `json:"on"`
	Basin  string     `json:"basin"`
	Stream string     `json:"stream"`
	// Limit is the greatest number of attempts, 1000 if it is 0.
	Limit int `json:"limit"`
	// Check lets an attempt fail, too, if what its clients observed is not linearizable.
	Check bool `json:"check"`
	// Options are those of the account of each attempt; in a campaign of an account, its own if they are nil.
	Options *AccountOptions `json:"options"`
	// Scenario is the name of the function that runs an attempt, for tests to paste; by default its own.
	Scenario string `json:"scenario"`
	// Replay is one attempt, which runs alone.
	Replay *SweepPoint `json:"replay"`
	// IsOptional lets a replay pass if the operation that it names does not arrive.
	IsOptional bool `json:"required,inverse"`
}

// SweepPoint is a fault at the Number-th matching operation of a name, counted from 1.
type SweepPoint struct {
	Operation Operation `json:"operation,required"`
	Number    int       `json:"number,required"`
	Fault     Fault     `json:"fault,required"`
}

// OrdersPlan is a campaign with each order in which the operations of its actors can take effect.
type OrdersPlan struct {
	// Actors are the names of the actors.
	Actors []string `json:"actors,required"`
	// MaxRuns is the greatest number of orders, 1000 if it is 0.
	MaxRuns int `json:"max_runs"`
	// MaxFaults is the greatest number of faults in one order.
	MaxFaults int     `json:"max_faults"`
	Faults    []Fault `json:"faults"`
	// Settle is the real time after which an actor is passed over that does nothing, 1 s if it is 0.
	Settle time.Duration `json:"settle"`
	// Timeout is the real time in which nothing may happen, 10 s if it is 0.
	Timeout time.Duration `json:"timeout"`
	// Seed is that of random orders, if there are too many.
	Seed int `json:"seed"`
	// Check lets an attempt fail, too, if what its clients observed is not linearizable.
	Check bool `json:"check"`
	// Options are those of the account of each attempt; in a campaign of an account, its own if they are nil.
	Options *AccountOptions `json:"options"`
	// Scenario is the name of the function that runs an attempt, for tests to paste; by default its own.
	Scenario string `json:"scenario"`
	// Replay is one order, which runs alone, such as "a1 b1 b2 a2".
	Replay string `json:"replay"`
	// ReplayFaults are the faults in that order, by the names of its operations.
	ReplayFaults map[string]Fault `json:"replay_faults"`
	// IsOptional lets a replay pass if an operation that it names does not arrive.
	IsOptional bool `json:"required,inverse"`
}

// CrashPlan is a campaign with a stop of the worker right before and right after the effect of each of its
// matching operations, one attempt each, after one attempt without a stop.
type CrashPlan struct {
	On     Operations `json:"on"`
	Basin  string     `json:"basin"`
	Stream string     `json:"stream"`
	// Limit is the greatest number of attempts, 1000 if it is 0.
	Limit int `json:"limit"`
	// Check lets an attempt fail, too, if what its clients observed is not linearizable.
	Check bool `json:"check"`
	// Options are those of the account of each attempt; in a campaign of an account, its own if they are nil.
	Options *AccountOptions `json:"options"`
	// Scenario is the name of the function that runs an attempt, for tests to paste; by default its own.
	Scenario string `json:"scenario"`
	// Replay is one attempt, which runs alone.
	Replay *CrashPoint `json:"replay"`
	// IsOptional lets a replay pass if the operation that it names does not arrive.
	IsOptional bool `json:"required,inverse"`
}

// CrashPoint is a stop right before or right after the effect of the Number-th matching operation of a
// name, counted from 1.
type CrashPoint struct {
	When      CrashTime `json:"when,required"`
	Operation Operation `json:"operation,required"`
	Number    int       `json:"number,required"`
}

// TokenOptions are those of an access token that is issued.
type TokenOptions struct {
	Scope TokenScope `json:"scope,required"`
	// ExpiresAt is the end of the token; it has none if this is zero.
	ExpiresAt time.Time `json:"-"`
	// AutoPrefixStreams lets the prefix of the scope be a part of each stream's name.
	AutoPrefixStreams bool `json:"auto_prefix_streams"`
}

// TokenScope is what an access token permits.
type TokenScope struct {
	// Basins, Streams and AccessTokens are [Exactly] or [Prefix]; nil is none.
	Basins       *ResourceSet    `json:"basins"`
	Streams      *ResourceSet    `json:"streams"`
	AccessTokens *ResourceSet    `json:"access_tokens"`
	OpGroups     OperationGroups `json:"op_groups"`
	Ops          Ops             `json:"ops"`
}

// ResourceSet is one name, or all that begin alike.
type ResourceSet struct {
	Exact  *string `json:"exact"`
	Prefix *string `json:"prefix"`
}

// Exactly is one name.
func Exactly(name string) *ResourceSet { return &ResourceSet{Exact: &name} }

// Prefix is all names that begin so; with "", all names.
func Prefix(text string) *ResourceSet { return &ResourceSet{Prefix: &text} }

// OperationGroups are operations by what they are about.
type OperationGroups struct {
	Account Permissions `json:"account"`
	Basin   Permissions `json:"basin"`
	Stream  Permissions `json:"stream"`
}

// Permissions are whether the operations of a group are permitted.
type Permissions struct {
	Read  bool `json:"read"`
	Write bool `json:"write"`
}
