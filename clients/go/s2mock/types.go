package s2mock

import (
	"encoding/json"
	"time"
)

// These types have each member of the responses under its name: description_test.go compares them with
// the description of the control API. A member that is null is a nil pointer, or empty.

// accountList are the accounts of a server.
type accountList struct {
	Accounts []ListedAccount `json:"accounts"`
}

// ListedAccount is an account in the list of a server.
type ListedAccount struct {
	// Empty for the first, on which a request without a token acts.
	Token string `json:"token"`
	Name  string `json:"name"`
	// The number of its latest exchange.
	Exchanges int `json:"exchanges"`
	// The name that the account was given, such as that of a test; else `account 1` and so on.
	Title string `json:"title"`
}

// newAccount is the response to a request for an account.
type newAccount struct {
	// The token of the account.
	Token string `json:"token"`
}

// InjectedFault is the state of a fault that was injected.
type InjectedFault struct {
	Number int `json:"number"`
	// Faults is one fault, or [Each].
	Faults Faults `json:"fault"`
	On     Ops    `json:"on"`
	// Name of a basin, or a glob such as `orders-*`.
	Basin string `json:"basin"`
	// Name of a stream, or a glob such as `orders/*`.
	Stream string `json:"stream"`
	// The number of matching operations to let through first.
	Skip int `json:"skip"`
	// The number of operations to affect after that; nil for all until it is removed.
	Times *int `json:"times"`
	// True if it is a mistake if it never fires.
	Required bool `json:"required"`
	// The number of operations that it has affected.
	Hits int `json:"hits"`
	// The number of operations that it still waits for; nil if it stays until it is removed.
	Remaining *int `json:"remaining"`
	// The complaint if the test ends now, or empty. A test fails with it.
	Complaint string     `json:"complaint"`
	Exchanges []Exchange `json:"exchanges"`
}

// injectedFaults are all faults of an account.
type injectedFaults struct {
	Faults []InjectedFault `json:"faults"`
}

// lateRemarks are what is said of operations that were to be applied late.
type lateRemarks struct {
	Remarks []string `json:"remarks"`
}

// HoldState is the state of a hold.
type HoldState struct {
	Number int `json:"number"`
	On     Ops `json:"on"`
	// Name of a basin, or a glob such as `orders-*`.
	Basin string `json:"basin"`
	// Name of a stream, or a glob such as `orders/*`.
	Stream string `json:"stream"`
	// The number of matching operations to let through first.
	Skip int `json:"skip"`
	// The number of operations to affect after that; nil for all until it is removed.
	Times *int  `json:"times"`
	At    Point `json:"at"`
	// True if a hold that nothing reached fails its test.
	Required bool `json:"required"`
	// True if it holds as a hook does.
	Hook bool `json:"hook"`
	// The number of operations that have been held.
	Count    int  `json:"count"`
	Released bool `json:"released"`
	// The complaint about a hold that no operation reached, released or not, or empty. A test fails with it.
	Complaint string     `json:"complaint"`
	Exchanges []Exchange `json:"exchanges"`
}

// holdList are all holds of an account.
type holdList struct {
	Holds []HoldState `json:"holds"`
}

// Exchange is an operation with its request, its response and its effect.
type Exchange struct {
	Number int `json:"number"`
	// Empty where no route matched.
	Operation Operation       `json:"operation"`
	Basin     string          `json:"basin"`
	Stream    string          `json:"stream"`
	TokenID   string          `json:"token_id"`
	Request   ExchangeRequest `json:"request"`
	// Nil if there was none.
	Response *ExchangeResponse `json:"response"`
	Effect   Effect            `json:"effect"`
	// The number of its session, or nil.
	Session  *int     `json:"session"`
	Protocol Protocol `json:"protocol"`
	// The number of its connection, or nil.
	Connection *int `json:"connection"`
	// The operation's moment, in nanoseconds of the account's clock since 1970.
	At *int64 `json:"at"`
	// Seconds of monotonic time, for durations.
	Began float64 `json:"began"`
	// Seconds of monotonic time; nil while it goes on.
	Ended *float64 `json:"ended"`
	Fault Fault    `json:"fault"`
	// The rule that decided an error, with what would have been right.
	Reason string   `json:"reason"`
	Advice []string `json:"advice"`
	// Its number among the operations that a hold or a hook has held, by which `release` names it; nil if it was not held.
	Held *int `json:"held"`
	// The point at which a hold has held it; empty if none has.
	HeldAt Point `json:"held_at"`
	// The command that sends it again.
	Curl string `json:"curl"`
}

// ExchangeRequest is the request of an exchange.
type ExchangeRequest struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Query   string            `json:"query"`
	Headers map[string]string `json:"headers"`
	Body    Bytes             `json:"body"`
	// The decoded body, the same for each wire form.
	Document json.RawMessage `json:"document"`
}

// ExchangeResponse is the response of an exchange.
type ExchangeResponse struct {
	Status int `json:"status"`
	// The error code, if the request was refused.
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Headers map[string]string `json:"headers"`
	Body    Bytes             `json:"body"`
	// The decoded body, the same for each wire form.
	Document json.RawMessage `json:"document"`
}

// Effect is what an operation has changed.
type Effect struct {
	Committed bool       `json:"committed"`
	Kind      EffectKind `json:"kind"`
	// The name of what was changed.
	Name        string  `json:"name"`
	FirstSeqNum *uint64 `json:"first_seq_num"`
	LastSeqNum  *uint64 `json:"last_seq_num"`
}

// JournalState is the state of a journal.
type JournalState struct {
	Exchanges []Exchange `json:"exchanges"`
	// The number of the latest exchange of all; later ones are `after` it.
	Last int `json:"last"`
	// How many the journal has dropped because of its limits.
	Dropped int `json:"dropped"`
	// The greatest number of exchanges that are kept; 0 for none.
	Limit int `json:"limit"`
	// The number of bytes of bodies and long heads that are kept at most.
	MaxBytes int64 `json:"max_bytes"`
	// The number of exchanges that are kept now.
	Kept int `json:"kept"`
	// The number of bytes of bodies and long heads that are kept now.
	BodyBytes int64 `json:"body_bytes"`
}

// advisedExchanges are exchanges with advice.
type advisedExchanges struct {
	Exchanges []Exchange `json:"exchanges"`
}

// ClockState is the state of a clock.
type ClockState struct {
	Clock ClockKind `json:"clock"`
	// Nanoseconds since 1970.
	Now int64 `json:"now"`
	// The same in milliseconds, as records have it.
	Timestamp uint64    `json:"timestamp"`
	Date      time.Time `json:"date"`
	// How many operations wait for the clock to advance.
	Waiters int `json:"waiters"`
}

// readers is the number of readers of a stream.
type readers struct {
	// The number of read sessions that follow at the tail.
	Readers int `json:"readers"`
}

// Position is a position in a stream.
type Position struct {
	SeqNum uint64 `json:"seq_num"`
	// Milliseconds since 1970.
	Timestamp uint64 `json:"timestamp"`
}

// BasinInfo is a basin, as S2 describes one.
type BasinInfo struct {
	Name      string     `json:"name"`
	Location  string     `json:"location"`
	CreatedAt time.Time  `json:"created_at"`
	DeletedAt *time.Time `json:"deleted_at"`
	State     BasinState `json:"state"`
}

// StreamInfo is a stream, as S2 describes one.
type StreamInfo struct {
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"created_at"`
	DeletedAt *time.Time `json:"deleted_at"`
	Cipher    Cipher     `json:"cipher"`
}

// BasinView is a basin, as a direct call of a test sees it.
type BasinView struct {
	Incarnation int         `json:"incarnation"`
	Info        BasinInfo   `json:"info"`
	Config      BasinConfig `json:"config"`
}

// StreamView is a stream, as a direct call of a test sees it.
type StreamView struct {
	Incarnation      int          `json:"incarnation"`
	BasinIncarnation int          `json:"basin_incarnation"`
	Info             StreamInfo   `json:"info"`
	Config           StreamConfig `json:"config"`
	// The fencing token in force, "" for none; empty in front of an upstream, which does not tell it.
	FencingToken string   `json:"fencing_token"`
	Tail         Position `json:"tail"`
	Readers      int      `json:"readers"`
}

// Record is a record, as a direct call of a test reads it.
type Record struct {
	SeqNum uint64 `json:"seq_num"`
	// Milliseconds since 1970.
	Timestamp uint64      `json:"timestamp"`
	Headers   [][2][]byte `json:"headers"`
	Body      []byte      `json:"body"`
	// The SHA-256 of the key that it is encrypted with, in hexadecimal.
	KeySHA256 string `json:"key_sha256"`
}

// recordList are the records of a stream.
type recordList struct {
	Records []Record `json:"records"`
}

// takenSnapshot is the response to a request for a snapshot.
type takenSnapshot struct {
	Number int `json:"number"`
	// When it was taken, in nanoseconds since 1970.
	Time int64 `json:"time"`
}

// Coverage is what the requests of an account have covered, and what they have not.
type Coverage struct {
	// The version of this format.
	Format        int                          `json:"s2mock_coverage"`
	Operations    map[string]OperationCoverage `json:"operations"`
	NeverAskedFor []string                     `json:"never_asked_for"`
	// The number of exchanges that the journal dropped before they were counted.
	NotCounted int `json:"not_counted"`
	// The number of journals that keep nothing (`journal_limit` 0), so that their exchanges are not counted.
	JournalsOff int `json:"journals_off"`
}

// OperationCoverage is what the requests for one operation have covered: counts, by name.
type OperationCoverage struct {
	Calls     int            `json:"calls"`
	Statuses  map[string]int `json:"statuses"`
	Codes     map[string]int `json:"codes"`
	Forms     map[string]int `json:"forms"`
	Protocols map[string]int `json:"protocols"`
	Faults    map[string]int `json:"faults"`
	Events    map[string]int `json:"events"`
	Never     []string       `json:"never"`
}

// ShownExchange is an exchange for a person to read, without secrets.
type ShownExchange struct {
	Exchange Exchange    `json:"exchange"`
	Row      TimelineRow `json:"row"`
	// The source of a test that sends the same request.
	Pytest string `json:"pytest"`
	// The command that sends the request again.
	Curl string `json:"curl"`
	// What happened, in words: `refused, but written as record 0`.
	Meaning string `json:"meaning"`
}

// TimelineRow is an exchange as a row of a timeline.
type TimelineRow struct {
	Number int `json:"number"`
	// S2's name for it, or the method where no route matched.
	Operation string `json:"operation"`
	Basin     string `json:"basin"`
	Stream    string `json:"stream"`
	Path      string `json:"path"`
	// The sender: `session 3`, `c2` for a connection, or `wsgi`.
	By string `json:"by"`
	// Nil if there was no response.
	Status *int `json:"status"`
	// The error code, if the request was refused.
	Code string `json:"code"`
	// What it changed or read: `created`, `+3 → 12..14`, `read 0..4`.
	Did        string  `json:"did"`
	IsWrite    bool    `json:"is_write"`
	LastSeqNum *uint64 `json:"last_seq_num"`
	Began      float64 `json:"began"`
	// Nil while a session goes on.
	Ended *float64 `json:"ended"`
	// As one would type it.
	Fault string `json:"fault"`
	// The number of pieces of advice.
	Advice int `json:"advice"`
	// The moment of the operation, in nanoseconds of the account's clock; nil if the request was refused
	// before it reached the account.
	At *int64 `json:"at"`
	// The point at which a hold has held it; empty if none has.
	HeldAt Point `json:"held_at"`
}

// Timeline is the journal as rows.
type Timeline struct {
	Rows []TimelineRow `json:"rows"`
	// The number of the oldest exchange that is kept; one more than `last` where none is.
	First int `json:"first"`
	Last  int `json:"last"`
	// How many the journal has dropped because of its limits.
	Dropped int `json:"dropped"`
}

// JournalRange says which exchanges the journal has.
type JournalRange struct {
	// The number of the oldest exchange that is kept; one more than `last` where none is.
	First int `json:"first"`
	Last  int `json:"last"`
	// How many the journal has dropped because of its limits.
	Dropped int `json:"dropped"`
}

// Status is what is going on in an account.
type Status struct {
	// True if there is an outage.
	IsOut   bool          `json:"is_out"`
	Clock   ClockState    `json:"clock"`
	Waiting Waiting       `json:"waiting"`
	Journal JournalRange  `json:"journal"`
	Faults  []FaultStatus `json:"faults"`
	Holds   []HoldStatus  `json:"holds"`
	Hooks   []HookStatus  `json:"hooks"`
}

// Waiting is what waits on the clock.
type Waiting struct {
	Count int    `json:"count"`
	Next  []Wait `json:"next"`
}

// Wait is one operation that waits on the clock.
type Wait struct {
	// Nanoseconds since 1970.
	Until int64  `json:"until"`
	What  string `json:"what"`
}

// FaultStatus is a fault in a [Status].
type FaultStatus struct {
	Number int `json:"number"`
	// The call in Python that injects it.
	Text string `json:"text"`
	Hits int    `json:"hits"`
	// Nil if it stays until it is removed.
	Remaining *int   `json:"remaining"`
	Complaint string `json:"complaint"`
}

// HoldStatus is a hold in a [Status].
type HoldStatus struct {
	Number int `json:"number"`
	// The call in Python that makes it.
	Text     string `json:"text"`
	Released bool   `json:"released"`
	Count    int    `json:"count"`
	// The last 20.
	Held []ListedExchange `json:"held"`
}

// HookStatus is a hook in a [Status].
type HookStatus struct {
	// By which it is listed among the holds.
	Number int `json:"number"`
	// The call in Python that makes it.
	Text    string `json:"text"`
	Removed bool   `json:"removed"`
	// The number of operations that it was called for.
	Calls int `json:"calls"`
	// The last 20.
	Exchanges []ListedExchange `json:"exchanges"`
}

// ListedExchange is an operation that reached a hold or a hook.
type ListedExchange struct {
	// 0 while there is no answer.
	Number    int       `json:"number"`
	Operation Operation `json:"operation"`
	Basin     string    `json:"basin"`
	Stream    string    `json:"stream"`
	// Its number among the operations that a hold or a hook has held.
	Held *int `json:"held"`
	// True if it is held now.
	IsWaiting bool `json:"is_waiting"`
	// The sender: `session 3`, `c2` for a connection, or `wsgi`.
	By    string  `json:"by"`
	Began float64 `json:"began"`
}

// Overview are all streams of an account, and their basins.
type Overview struct {
	Basins  []BasinOverview  `json:"basins"`
	Streams []StreamOverview `json:"streams"`
	// The number of streams with matching names, beyond the limit too.
	Count int `json:"count"`
}

// BasinOverview is a basin in an [Overview].
type BasinOverview struct {
	Name      string     `json:"name"`
	Location  string     `json:"location"`
	CreatedAt time.Time  `json:"created_at"`
	DeletedAt *time.Time `json:"deleted_at"`
	State     BasinState `json:"state"`
	// The number of its streams.
	Streams int `json:"streams"`
	// The members that differ from the default.
	Config BasinConfig `json:"config"`
}

// StreamOverview is a stream in an [Overview].
type StreamOverview struct {
	Basin        string   `json:"basin"`
	Name         string   `json:"name"`
	IsDeleting   bool     `json:"is_deleting"`
	Tail         Position `json:"tail"`
	TrimPoint    uint64   `json:"trim_point"`
	FencingToken string   `json:"fencing_token"`
	// Read sessions that follow at the tail.
	Readers int    `json:"readers"`
	Cipher  Cipher `json:"cipher"`
	// The members that differ from the default.
	Config StreamConfig `json:"config"`
}

// History is what the journal shows of a stream, with records that are gone, too.
type History struct {
	Basin  string           `json:"basin"`
	Stream string           `json:"stream"`
	Lives  []StreamLifetime `json:"lives"`
}

// HistoryRecord is a record in a [History].
type HistoryRecord struct {
	SeqNum uint64 `json:"seq_num"`
	// Nil if it is unknown by now.
	Timestamp *uint64    `json:"timestamp"`
	Headers   [][2]Bytes `json:"headers"`
	// The first 2,000 bytes.
	Body Bytes `json:"body"`
	// How long the body is.
	Bytes   int     `json:"bytes"`
	Command Command `json:"command"`
	// The fencing token, or the sequence number before which is trimmed.
	Value string `json:"value"`
	// The exchange that appended it; nil where none in the journal did.
	By *int `json:"by"`
	// The first exchange that shows that it was there.
	Since *int `json:"since"`
	// If no exchange appended it: the last one without it.
	After *int `json:"after"`
	// Why it is not there now.
	Gone Removal `json:"gone"`
}

// StreamLifetime is a stream from its creation to its deletion.
type StreamLifetime struct {
	// The exchange that created it; 0 if that was before the journal began.
	Start int `json:"start"`
	// The exchange that deleted it.
	End *int `json:"end"`
	// True if it is the present stream.
	IsThere bool `json:"is_there"`
	// The sequence number of the first record that is returned.
	Low          uint64 `json:"low"`
	Tail         uint64 `json:"tail"`
	TrimPoint    uint64 `json:"trim_point"`
	FencingToken string `json:"fencing_token"`
	// Exchanges, and the tail that each showed.
	Tails [][2]uint64 `json:"tails"`
	// All known command records, those before `low` too.
	Commands []CommandRecord `json:"commands"`
	Records  []HistoryRecord `json:"records"`
}

// CommandRecord is a command record in a [History].
type CommandRecord struct {
	SeqNum  uint64  `json:"seq_num"`
	Command Command `json:"command"`
	Value   string  `json:"value"`
	Since   *int    `json:"since"`
}

// newCampaign is the response to a request for a campaign.
type newCampaign struct {
	Number int          `json:"number"`
	Kind   CampaignKind `json:"kind"`
}

// CampaignActor is an actor of an attempt, or its worker, whose operations are known by its token.
type CampaignActor struct {
	Name string `json:"name"`
	// The access token for its client.
	Token string `json:"token"`
	Ended bool   `json:"ended"`
}

// attemptEnd is the outcome of an attempt, as it is sent.
type attemptEnd struct {
	Outcome Outcome `json:"outcome"`
	// Why it has failed; the first line is shown, and two failures are equal if all lines are.
	Message string `json:"message"`
}

// CampaignAttempt is an attempt of a campaign.
type CampaignAttempt struct {
	Number   int    `json:"number"`
	Campaign int    `json:"campaign"`
	Token    string `json:"token"`
	// What is done in it, such as `a crash before append 2`; an order as far as it is known.
	Title string `json:"title"`
	// Where its fault or its crash is; left out in an attempt without one, and in an order.
	Point  *AttemptPoint   `json:"point"`
	Actors []CampaignActor `json:"actors"`
	// In a campaign of crashes: whether the point is reached, so that the worker has to be stopped.
	Reached bool `json:"reached"`
	// The outcome that counts; empty while the attempt is open.
	Outcome Outcome `json:"outcome"`
	// Why it has failed, or why its actors cannot go on.
	Message string `json:"message"`
}

// CampaignFailure are equal failures: the shortest one, and the numbers of the others.
type CampaignFailure struct {
	Attempt int    `json:"attempt"`
	Title   string `json:"title"`
	Message string `json:"message"`
	// The number of attempts that failed in this way.
	Count  int   `json:"count"`
	Others []int `json:"others"`
	// The exchanges of the attempt, or the operations of its order.
	Timeline string `json:"timeline"`
	// The request that runs this attempt alone; left out for an attempt without a fault or a crash.
	Replay json.RawMessage `json:"replay"`
	// The exchanges that ended with the connection of the fault.
	Taken []string `json:"taken"`
}

// CampaignReport is what a campaign has found.
type CampaignReport struct {
	Number int          `json:"number"`
	Kind   CampaignKind `json:"kind"`
	// True if all attempts were run and none failed.
	Passed bool `json:"passed"`
	// The number of attempts that were run.
	Attempts int `json:"attempts"`
	// The number of all attempts; nil as long as it is not known.
	Planned *int `json:"planned"`
	// What a test fails with, or empty.
	Complaint string `json:"complaint"`
	// Orders that were left out, or that may not repeat.
	Notes    []string          `json:"notes"`
	Failures []CampaignFailure `json:"failures"`
}

// index is what a server says of itself.
type index struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Where the description of all routes is served.
	Description string `json:"description"`
	// The routes.
	Serves []string `json:"serves"`
}

// AccessToken is an access token, as S2 describes one.
type AccessToken struct {
	ID                string     `json:"id"`
	ExpiresAt         *time.Time `json:"expires_at"`
	AutoPrefixStreams bool       `json:"auto_prefix_streams"`
	Scope             TokenScope `json:"scope"`
}

// AttemptPoint is where the fault or the crash of an attempt is.
type AttemptPoint struct {
	Operation Operation `json:"operation"`
	Number    int       `json:"number"`
	// The fault of a sweep.
	Fault Fault `json:"fault"`
	// The side of the effect, of a crash.
	When CrashTime `json:"when"`
}

// UnmarshalJSON reads an exchange, with its fault.
func (e *Exchange) UnmarshalJSON(data []byte) error {
	type plain Exchange
	read := struct {
		*plain
		Fault shownFault `json:"fault"`
	}{plain: (*plain)(e)}
	err := json.Unmarshal(data, &read)
	e.Fault = read.Fault.fault
	return err
}

// UnmarshalJSON reads the state of a fault.
func (i *InjectedFault) UnmarshalJSON(data []byte) error {
	type plain InjectedFault
	read := struct {
		*plain
		Fault json.RawMessage `json:"fault"`
	}{plain: (*plain)(i)}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	var one shownFault
	if err := json.Unmarshal(read.Fault, &one); err == nil {
		i.Faults = one.fault
		return nil
	}
	var several []shownFault
	err := json.Unmarshal(read.Fault, &several)
	each := make(Each, len(several))
	for index, fault := range several {
		each[index] = fault.fault
	}
	i.Faults = each
	return err
}

// UnmarshalJSON reads the point of an attempt, with its fault.
func (p *AttemptPoint) UnmarshalJSON(data []byte) error {
	type plain AttemptPoint
	read := struct {
		*plain
		Fault shownFault `json:"fault"`
	}{plain: (*plain)(p)}
	err := json.Unmarshal(data, &read)
	p.Fault = read.Fault.fault
	return err
}

// Decode reads the body of the request, which is the same for each wire form, into a value.
func (r ExchangeRequest) Decode(into any) error { return json.Unmarshal(r.Document, into) }

// Decode reads the body of the response, which is the same for each wire form, into a value.
func (r ExchangeResponse) Decode(into any) error { return json.Unmarshal(r.Document, into) }
