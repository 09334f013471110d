package s2mock

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Filter says which exchanges are meant; one that is empty is all of them.
type Filter struct {
	// Operation is one [Operation], or several as [Ops].
	Operation Operations
	// Basin is the name of a basin, or a glob such as `orders-*`.
	Basin string
	// Stream is the name of a stream, or a glob such as `orders/*`.
	Stream string
	// Status is that of the response.
	Status int
	// After is the number of an exchange before them.
	After int
}

func (f Filter) query() url.Values {
	query := queryOf("basin", f.Basin, "stream", f.Stream, "status", numberOf(f.Status), "after", numberOf(f.After))
	if f.Operation != nil {
		for _, operation := range f.Operation.operations() {
			query.Add("operation", operation.String())
		}
	}
	return query
}

// numberOf returns a number as text, "" for 0.
func numberOf(number int) string {
	if number == 0 {
		return ""
	}
	return strconv.Itoa(number)
}

// Journal has the exchanges of an account.
type Journal struct{ control *control }

// Of returns the exchanges that match, oldest first.
func (j *Journal) Of(ctx context.Context, filter Filter) ([]Exchange, error) {
	state, err := j.State(ctx, filter)
	return state.Exchanges, err
}

// State returns the exchanges that match, and the limits of the journal.
func (j *Journal) State(ctx context.Context, filter Filter) (*JournalState, error) {
	found, err := call[JournalState](ctx, j.control, routes.readJournal, request{query: filter.query()})
	return &found, err
}

// Wait waits until there is a number of exchanges that match, and returns them. It ends with [ErrTimeout] at
// the deadline of the context, or after 5 seconds.
func (j *Journal) Wait(ctx context.Context, count int, filter Filter) ([]Exchange, error) {
	query := filter.query()
	query.Set("count", strconv.Itoa(count))
	ctx, query, cancel := waiting(ctx, query)
	defer cancel()
	found, err := call[JournalState](ctx, j.control, routes.readJournal, request{query: query})
	return found.Exchanges, err
}

// Follow returns each exchange that matches, those of the past first, until the loop is left or the context
// is done. An error is the last value.
func (j *Journal) Follow(ctx context.Context, filter Filter) iter.Seq2[Exchange, error] {
	return func(yield func(Exchange, error) bool) {
		for data, err := range j.control.follow(ctx, routes.readJournal, request{query: filter.query()}) {
			var exchange Exchange
			if err == nil {
				err = json.Unmarshal([]byte(data), &exchange)
			}
			if !yield(exchange, err) || err != nil {
				return
			}
		}
	}
}

// Get returns one exchange for a person to read, without secrets.
func (j *Journal) Get(ctx context.Context, number int) (*ShownExchange, error) {
	found, err := call[ShownExchange](ctx, j.control, routes.getExchange, request{path: []any{number}})
	return &found, err
}

// Clear removes all exchanges.
func (j *Journal) Clear(ctx context.Context) error {
	return j.control.do(ctx, routes.clearJournal, request{})
}

// Timeline returns the exchanges after a number as rows.
func (j *Journal) Timeline(ctx context.Context, after int) (*Timeline, error) {
	query := queryOf("after", numberOf(after))
	found, err := call[Timeline](ctx, j.control, routes.readTimeline, request{query: query})
	return &found, err
}

// TimelineText returns the timeline as text: a line for each of the last exchanges, and the reason of the
// last refusal.
func (j *Journal) TimelineText(ctx context.Context) (string, error) {
	text, err := j.control.send(ctx, routes.readTimeline, request{accept: "text/plain"})
	return strings.TrimRight(string(text), "\n"), err
}

// Cassette returns the exchanges as a cassette, which `s2mock drift` reads, without secrets.
func (j *Journal) Cassette(ctx context.Context) ([]byte, error) {
	return j.control.send(ctx, routes.exportCassette, request{})
}

// History returns the history of streams in the format of s2-verification; a basin or a stream that is ""
// is all of them.
func (j *Journal) History(ctx context.Context, basin, stream string) ([]byte, error) {
	query := queryOf("basin", basin, "stream", stream)
	return j.control.send(ctx, routes.exportHistory, request{query: query})
}

// Clock is the clock of an account, which a test advances if it is manual.
type Clock struct{ control *control }

// State returns the state of the clock.
func (c *Clock) State(ctx context.Context) (*ClockState, error) {
	found, err := call[ClockState](ctx, c.control, routes.readClock, request{})
	return &found, err
}

// Now returns the time of the account.
func (c *Clock) Now(ctx context.Context) (time.Time, error) {
	state, err := c.State(ctx)
	return time.Unix(0, state.Now).UTC(), err
}

// Advance advances a manual clock.
func (c *Clock) Advance(ctx context.Context, duration time.Duration) (*ClockState, error) {
	sent := advanceOptions{duration}
	found, err := call[ClockState](ctx, c.control, routes.advance, request{body: sent})
	return &found, err
}

// WaitForWaiters waits until a number of operations waits for the clock. It ends with [ErrTimeout] at the
// deadline of the context, or after 5 seconds.
func (c *Clock) WaitForWaiters(ctx context.Context, count int) error {
	ctx, query, cancel := waiting(ctx, url.Values{"waiters": {strconv.Itoa(count)}})
	defer cancel()
	return c.control.do(ctx, routes.readClock, request{query: query})
}

// Stop keeps a clock still that advances by itself, until [Clock.EndStop] is called as often. It can still
// be advanced.
func (c *Clock) Stop(ctx context.Context) error {
	return c.control.do(ctx, routes.stopClock, request{})
}

// EndStop lets the clock advance by itself again.
func (c *Clock) EndStop(ctx context.Context) error {
	return c.control.do(ctx, routes.endClockStop, request{})
}

// Snapshot is the state of an account at one time, which any account of the server can go back to, or
// start from.
type Snapshot struct {
	// Number is by which the server knows it.
	Number int
	// Time is when it was taken, in nanoseconds since 1970.
	Time    int64
	control *control
}

func (s Snapshot) toJSON() any { return s.Number }

// Text returns the content, as lines of JSON.
func (s *Snapshot) Text(ctx context.Context) ([]byte, error) {
	return s.control.send(ctx, routes.getSnapshot, request{path: []any{s.Number}})
}

// Save writes the content into a file, which [Server.LoadSnapshot] and `s2mock --snapshot` read.
func (s *Snapshot) Save(ctx context.Context, path string) error {
	text, err := s.Text(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// Forget removes the snapshot from the server.
func (s *Snapshot) Forget(ctx context.Context) error {
	return s.control.do(ctx, routes.forgetSnapshot, request{path: []any{s.Number}})
}

// direct is a request of S2's API as a direct call of the test.
func direct(method, path string) route { return route{method, "/v1" + path} }

// BasinHandle is a basin for direct calls of a test, which are in no journal and meet no fault.
type BasinHandle struct {
	// Name is the name of the basin.
	Name    string
	control *control
}

// Stream is a stream of the basin, which need not be there yet.
func (b *BasinHandle) Stream(name string) *StreamHandle {
	return &StreamHandle{b.Name, name, b.control}
}

// Create creates the basin.
func (b *BasinHandle) Create(ctx context.Context, config BasinConfig) error {
	body := map[string]any{"basin": b.Name, "config": config}
	return b.control.do(ctx, direct("POST", "/basins"), request{body: body})
}

// CreateStream creates a stream of the basin.
func (b *BasinHandle) CreateStream(ctx context.Context, name string, config StreamConfig) (*StreamHandle, error) {
	body := map[string]any{"stream": name, "config": config}
	err := b.control.do(ctx, direct("POST", "/streams"), request{body: body, basin: b.Name})
	return b.Stream(name), err
}

// Look returns the configuration and the location of the basin.
func (b *BasinHandle) Look(ctx context.Context) (*BasinView, error) {
	query := queryOf("basin", b.Name)
	found, err := call[BasinView](ctx, b.control, routes.lookAtBasin, request{query: query})
	return &found, err
}

// StreamHandle is a stream for direct calls of a test, which are in no journal and meet no fault.
type StreamHandle struct {
	// Basin is the name of its basin.
	Basin string
	// Name is the name of the stream.
	Name    string
	control *control
}

func (s *StreamHandle) query(pairs ...string) url.Values {
	return queryOf(append(pairs, "basin", s.Basin, "stream", s.Name)...)
}

// Records returns all records that the stream has now.
func (s *StreamHandle) Records(ctx context.Context) ([]Record, error) {
	found, err := call[recordList](ctx, s.control, routes.lookAtRecords, request{query: s.query()})
	return found.Records, err
}

// Bodies returns the bodies of all records, as text.
func (s *StreamHandle) Bodies(ctx context.Context) ([]string, error) {
	records, err := s.Records(ctx)
	bodies := make([]string, len(records))
	for index, record := range records {
		bodies[index] = string(record.Body)
	}
	return bodies, err
}

// WaitForRecords waits until the stream has a number of records, and returns them. It ends with
// [ErrTimeout] at the deadline of the context, or after 5 seconds.
func (s *StreamHandle) WaitForRecords(ctx context.Context, count int) ([]Record, error) {
	ctx, query, cancel := waiting(ctx, s.query("count", strconv.Itoa(count)))
	defer cancel()
	found, err := call[recordList](ctx, s.control, routes.lookAtRecords, request{query: query})
	return found.Records, err
}

// Append appends a record for each text, and returns the sequence number of the first.
func (s *StreamHandle) Append(ctx context.Context, bodies ...string) (uint64, error) {
	records := make([]map[string]any, len(bodies))
	for index, body := range bodies {
		records[index] = map[string]any{"body": body}
	}
	to := direct("POST", "/streams/{stream}/records")
	sent := request{path: []any{s.Name}, basin: s.Basin, body: map[string]any{"records": records}}
	appended, err := call[struct{ Start Position }](ctx, s.control, to, sent)
	return appended.Start.SeqNum, err
}

// Look returns the configuration, the tail and the fencing token of the stream.
func (s *StreamHandle) Look(ctx context.Context) (*StreamView, error) {
	found, err := call[StreamView](ctx, s.control, routes.lookAtStream, request{query: s.query()})
	return &found, err
}

// History returns what the journal shows of the stream: each life that it had, with records that are gone,
// too.
func (s *StreamHandle) History(ctx context.Context) (*History, error) {
	found, err := call[History](ctx, s.control, routes.readHistory, request{query: s.query()})
	return &found, err
}

// Readers returns the number of read sessions that follow at the tail of the stream.
func (s *StreamHandle) Readers(ctx context.Context) (int, error) {
	found, err := call[readers](ctx, s.control, routes.readReaders, request{query: s.query()})
	return found.Readers, err
}

// WaitForReaders waits until a number of read sessions follows at the tail of the stream. It ends with
// [ErrTimeout] at the deadline of the context, or after 5 seconds.
func (s *StreamHandle) WaitForReaders(ctx context.Context, count int) error {
	ctx, query, cancel := waiting(ctx, s.query("count", strconv.Itoa(count)))
	defer cancel()
	return s.control.do(ctx, routes.readReaders, request{query: query})
}
