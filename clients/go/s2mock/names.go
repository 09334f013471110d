package s2mock

// name is a value that S2 or s2mock knows by its text. Other packages cannot make one from a string, so
// a name with a typo does not compile.
type name struct{ text string }

// String returns the name as S2 and s2mock spell it; "" for none.
func (n name) String() string { return n.text }

// MarshalText returns the name as S2 and s2mock spell it.
func (n name) MarshalText() ([]byte, error) { return []byte(n.text), nil }

// UnmarshalText reads any name, so that a newer server may have more names than this package.
func (n *name) UnmarshalText(text []byte) error {
	n.text = string(text)
	return nil
}

func (n name) toJSON() any {
	if n.text == "" {
		return nil
	}
	return n.text
}

// Operation is S2's name of an operation.
type Operation struct{ name }

// The operations of S2.
var (
	OpListBasins         = Operation{name{"list-basins"}}
	OpCreateBasin        = Operation{name{"create-basin"}}
	OpDeleteBasin        = Operation{name{"delete-basin"}}
	OpReconfigureBasin   = Operation{name{"reconfigure-basin"}}
	OpGetBasinConfig     = Operation{name{"get-basin-config"}}
	OpIssueAccessToken   = Operation{name{"issue-access-token"}}
	OpRevokeAccessToken  = Operation{name{"revoke-access-token"}}
	OpListAccessTokens   = Operation{name{"list-access-tokens"}}
	OpListStreams        = Operation{name{"list-streams"}}
	OpCreateStream       = Operation{name{"create-stream"}}
	OpDeleteStream       = Operation{name{"delete-stream"}}
	OpGetStreamConfig    = Operation{name{"get-stream-config"}}
	OpReconfigureStream  = Operation{name{"reconfigure-stream"}}
	OpCheckTail          = Operation{name{"check-tail"}}
	OpAppend             = Operation{name{"append"}}
	OpRead               = Operation{name{"read"}}
	OpTrim               = Operation{name{"trim"}}
	OpFence              = Operation{name{"fence"}}
	OpAccountMetrics     = Operation{name{"account-metrics"}}
	OpBasinMetrics       = Operation{name{"basin-metrics"}}
	OpStreamMetrics      = Operation{name{"stream-metrics"}}
	OpListLocations      = Operation{name{"list-locations"}}
	OpGetDefaultLocation = Operation{name{"get-default-location"}}
	OpSetDefaultLocation = Operation{name{"set-default-location"}}
)

// The operations that s2mock tells apart, and S2 has no names for: the two PUTs, and the opening of an
// append session.
var (
	OpEnsureBasin   = Operation{name{"ensure-basin"}}
	OpEnsureStream  = Operation{name{"ensure-stream"}}
	OpAppendSession = Operation{name{"append-session"}}
)

// Operations are one [Operation], or several as [Ops].
type Operations interface{ operations() Ops }

// Ops are several operations.
type Ops []Operation

func (o Operation) operations() Ops { return Ops{o} }
func (o Ops) operations() Ops       { return o }

// Code is an error code of S2.
type Code struct{ name }

// The error codes of S2.
var (
	CodeRateLimited           = Code{name{"rate_limited"}}
	CodeHotServer             = Code{name{"hot_server"}}
	CodeServerDraining        = Code{name{"server_draining"}}
	CodeTransactionConflict   = Code{name{"transaction_conflict"}}
	CodeAuthn                 = Code{name{"authn"}}
	CodePermissionDenied      = Code{name{"permission_denied"}}
	CodeQuotaExhausted        = Code{name{"quota_exhausted"}}
	CodeAccessTokenNotFound   = Code{name{"access_token_not_found"}}
	CodeBasinNotFound         = Code{name{"basin_not_found"}}
	CodeStreamNotFound        = Code{name{"stream_not_found"}}
	CodeBadFrame              = Code{name{"bad_frame"}}
	CodeBadHeader             = Code{name{"bad_header"}}
	CodeBadJSON               = Code{name{"bad_json"}}
	CodeBadPath               = Code{name{"bad_path"}}
	CodeBadProto              = Code{name{"bad_proto"}}
	CodeBadQuery              = Code{name{"bad_query"}}
	CodeDecryptionFailed      = Code{name{"decryption_failed"}}
	CodeInvalid               = Code{name{"invalid"}}
	CodeResourceAlreadyExists = Code{name{"resource_already_exists"}}
	CodeBasinDeletionPending  = Code{name{"basin_deletion_pending"}}
	CodeStreamDeletionPending = Code{name{"stream_deletion_pending"}}
	CodeNotImplemented        = Code{name{"not_implemented"}}
	CodeRequestTimeout        = Code{name{"request_timeout"}}
	CodeOther                 = Code{name{"other"}}
	CodeStorage               = Code{name{"storage"}}
	CodeUnavailable           = Code{name{"unavailable"}}
	CodeUpstreamTimeout       = Code{name{"upstream_timeout"}}
	CodeClientHangup          = Code{name{"client_hangup"}}
)

// ControlCode is the error code of a request to the control API, in an [Error].
type ControlCode struct{ name }

// The error codes of the control API.
var (
	ControlBadRequest           = ControlCode{name{"bad_request"}}
	ControlAuthn                = ControlCode{name{"authn"}}
	ControlForbidden            = ControlCode{name{"forbidden"}}
	ControlNotFound             = ControlCode{name{"not_found"}}
	ControlMethodNotAllowed     = ControlCode{name{"method_not_allowed"}}
	ControlTimeout              = ControlCode{name{"timeout"}}
	ControlConflict             = ControlCode{name{"conflict"}}
	ControlGone                 = ControlCode{name{"gone"}}
	ControlTooLarge             = ControlCode{name{"too_large"}}
	ControlUnsupportedMediaType = ControlCode{name{"unsupported_media_type"}}
	ControlOther                = ControlCode{name{"other"}}
	ControlNotOnTarget          = ControlCode{name{"not_on_target"}}
	ControlUpstream             = ControlCode{name{"upstream"}}
)

// Point is one of the three points that each operation passes.
type Point struct{ name }

// The points, in order.
var (
	// AtArrival: the request is parsed, and nothing is decided.
	AtArrival = Point{name{"arrival"}}
	// AtCommit: all checks have passed, and nothing has changed.
	AtCommit = Point{name{"commit"}}
	// AtAnswer: the operation is applied, and the response has not been sent.
	AtAnswer = Point{name{"answer"}}
)

// ClockKind is the kind of an account's clock.
type ClockKind struct{ name }

// The kinds of clocks.
var (
	// ClockSystem is the system's time.
	ClockSystem = ClockKind{name{"system"}}
	// ClockManual is a clock that only the test advances.
	ClockManual = ClockKind{name{"manual"}}
	// ClockAuto is a clock that advances by itself while every open request waits on it.
	ClockAuto = ClockKind{name{"auto"}}
)

// Auth says whether requests need a token.
type Auth struct{ name }

// Whether requests need a token.
var (
	AuthOpen     = Auth{name{"open"}}
	AuthRequired = Auth{name{"required"}}
)

// Profile says which to follow where the running service and its documentation disagree.
type Profile struct{ name }

// The profiles.
var (
	ProfileReal       = Profile{name{"real"}}
	ProfileDocumented = Profile{name{"documented"}}
)

// Cipher is the encryption of a stream.
type Cipher struct{ name }

// The ciphers of S2.
var (
	CipherAEGIS256  = Cipher{name{"aegis-256"}}
	CipherAES256GCM = Cipher{name{"aes-256-gcm"}}
)

// TimestampingMode says where the timestamps of records come from.
type TimestampingMode struct{ name }

// The modes of timestamping.
var (
	TimestampingClientPrefer  = TimestampingMode{name{"client-prefer"}}
	TimestampingClientRequire = TimestampingMode{name{"client-require"}}
	TimestampingArrival       = TimestampingMode{name{"arrival"}}
)

// EffectKind is the kind of what an operation has changed.
type EffectKind struct{ name }

// The kinds of effects.
var (
	EffectCreated  = EffectKind{name{"created"}}
	EffectUpdated  = EffectKind{name{"updated"}}
	EffectDeleted  = EffectKind{name{"deleted"}}
	EffectAppended = EffectKind{name{"appended"}}
)

// Protocol is the protocol of a request.
type Protocol struct{ name }

// The protocols.
var (
	ProtocolHTTP11    = Protocol{name{"HTTP/1.1"}}
	ProtocolHTTP10    = Protocol{name{"HTTP/1.0"}}
	ProtocolH2C       = Protocol{name{"h2c"}}
	ProtocolWSGI      = Protocol{name{"wsgi"}}
	ProtocolHTTP11TLS = Protocol{name{"HTTP/1.1 over TLS"}}
	ProtocolHTTP10TLS = Protocol{name{"HTTP/1.0 over TLS"}}
	ProtocolH2        = Protocol{name{"h2"}}
)

// BasinState is the state of a basin.
type BasinState struct{ name }

// The states of basins.
var (
	BasinActive   = BasinState{name{"active"}}
	BasinDeleting = BasinState{name{"deleting"}}
)

// Command is the command of a command record.
type Command struct{ name }

// The commands.
var (
	CommandFence = Command{name{"fence"}}
	CommandTrim  = Command{name{"trim"}}
)

// Removal is the reason for which a record is gone.
type Removal struct{ name }

// The reasons.
var (
	RemovalTrimmed = Removal{name{"trimmed"}}
	RemovalExpired = Removal{name{"expired"}}
	RemovalDeleted = Removal{name{"deleted"}}
)

// CampaignKind is the kind of a campaign.
type CampaignKind struct{ name }

// The kinds of campaigns.
var (
	CampaignSweep  = CampaignKind{name{"sweep"}}
	CampaignOrders = CampaignKind{name{"orders"}}
	CampaignCrash  = CampaignKind{name{"crash"}}
)

// Outcome is the outcome of an attempt; the zero value is that of an open one.
type Outcome struct{ name }

// The outcomes.
var (
	OutcomePassed  = Outcome{name{"passed"}}
	OutcomeFailed  = Outcome{name{"failed"}}
	OutcomeSkipped = Outcome{name{"skipped"}}
)

// CrashTime says on which side of an operation's effect a crash is.
type CrashTime struct{ name }

// The sides of an effect.
var (
	CrashBefore = CrashTime{name{"before"}}
	CrashAfter  = CrashTime{name{"after"}}
)
