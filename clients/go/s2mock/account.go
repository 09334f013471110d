package s2mock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Client is a token with which clients use the server: of an account, an actor, or one that was issued.
type Client struct {
	// URL is the address of the server, for HTTP/1.1 and HTTP/2 without TLS.
	URL string
	// Token is the access token.
	Token string
}

// BaseURL is the option BaseURL of the official SDK.
func (c *Client) BaseURL() string { return c.URL + "/v1" }

// BasinBaseURL is the option MakeBasinBaseURL of the official SDK.
func (c *Client) BasinBaseURL(string) string { return c.BaseURL() }

// Env returns the variables that point S2's SDKs and command line to the account, as [os/exec.Cmd] takes
// them.
func (c *Client) Env() []string {
	return []string{"S2_ACCESS_TOKEN=" + c.Token, "S2_ACCOUNT_ENDPOINT=" + c.URL, "S2_BASIN_ENDPOINT=" + c.URL}
}

// Setenv sets these variables in this process until the test ends, for code that reads them by itself, such
// as s2.NewFromEnvironment. A process has one environment, so such a test is not parallel.
func (c *Client) Setenv(t interface{ Setenv(key, value string) }) {
	for _, variable := range c.Env() {
		key, value, _ := strings.Cut(variable, "=")
		t.Setenv(key, value)
	}
}

// Account is an account of its own on the server: basins, streams, faults, a clock, a journal.
type Account struct {
	Client
	// Journal has the exchanges of the account.
	Journal *Journal
	// Clock is the clock of the account.
	Clock *Clock
	// Options are those that the account was made with.
	Options AccountOptions

	server  *Server
	control *control
	lock    sync.Mutex
	hooks   []*Hook
	forks   []*Account
	isEnded bool
	// isAttempt is true for the account of an attempt, which ends with that.
	isAttempt bool
}

func newAccountOf(server *Server, token string, options AccountOptions) *Account {
	control := server.control.as(token)
	return &Account{
		Client:  Client{control.url, token},
		Journal: &Journal{control},
		Clock:   &Clock{control},
		Options: options,
		server:  server,
		control: control,
	}
}

// Name returns the name that the account has on the page and in reports.
func (a *Account) Name() string { return a.Options.Name }

// Inject lets the next matching operation meet a fault, such as Drop{Committed: true}; or the next ones
// with [Each], one of a list each.
func (a *Account) Inject(ctx context.Context, fault Faults, on Operations, options ...InjectOption) (*Injection, error) {
	sent := FaultOptions{Fault: fault, On: on}
	for _, option := range options {
		option.ofFault(&sent)
	}
	made, err := call[InjectedFault](ctx, a.control, routes.inject, request{body: sent})
	if err != nil {
		return nil, err
	}
	return &Injection{made.Number, a.control}, nil
}

// Hold keeps the next matching operation waiting at a point, by default [AtCommit].
func (a *Account) Hold(ctx context.Context, on Operations, options ...HoldOption) (*Hold, error) {
	sent := holdOptions{On: on}
	for _, option := range options {
		option.ofHold(&sent)
	}
	made, err := call[HoldState](ctx, a.control, routes.hold, request{body: sent})
	if err != nil {
		return nil, err
	}
	return &Hold{made.Number, a.control}, nil
}

// On calls a function when a matching operation reaches a point, by default [AtCommit]. The operation waits
// until the function has returned, and meets the fault that it returns, if any. An error of the function
// fails [Account.End]. Without [Times], it is called for all operations.
func (a *Account) On(ctx context.Context, on Operations, function HookFunction, options ...HookOption) (*Hook, error) {
	sent := holdOptions{On: on, Times: Always, IsOptional: true, Hook: true}
	for _, option := range options {
		option.ofHook(&sent)
	}
	made, err := call[HoldState](ctx, a.control, routes.hold, request{body: sent})
	if err != nil {
		return nil, err
	}
	hook := startHook(ctx, &Hold{made.Number, a.control}, on, function)
	a.lock.Lock()
	defer a.lock.Unlock()
	a.hooks = append(a.hooks, hook)
	return hook, nil
}

// Advance advances a manual clock.
func (a *Account) Advance(ctx context.Context, duration time.Duration) error {
	_, err := a.Clock.Advance(ctx, duration)
	return err
}

// Snapshot takes a snapshot of the state now.
func (a *Account) Snapshot(ctx context.Context) (*Snapshot, error) {
	taken, err := call[takenSnapshot](ctx, a.control, routes.takeSnapshot, request{})
	if err != nil {
		return nil, err
	}
	return &Snapshot{taken.Number, taken.Time, a.control}, nil
}

// Restore goes back to a snapshot. The token stays; connections are dropped.
func (a *Account) Restore(ctx context.Context, snapshot *Snapshot) error {
	return a.control.do(ctx, routes.restore, request{path: []any{snapshot.Number}})
}

// Fork makes an account that starts as this one is now. It ends with this one.
func (a *Account) Fork(ctx context.Context) (*Account, error) {
	made, err := call[newAccount](ctx, a.control, routes.fork, request{})
	if err != nil {
		return nil, err
	}
	fork := newAccountOf(a.server, made.Token, a.Options)
	a.lock.Lock()
	defer a.lock.Unlock()
	a.forks = append(a.forks, fork)
	return fork, nil
}

// Reset lets the account start again as it started; the token stays, faults and holds are gone.
func (a *Account) Reset(ctx context.Context) error {
	return a.control.do(ctx, routes.reset, request{})
}

// Basin is a basin for direct calls, which are in no journal and meet no fault.
func (a *Account) Basin(name string) *BasinHandle { return &BasinHandle{name, a.control} }

// Stream is a stream for direct calls, which are in no journal and meet no fault.
func (a *Account) Stream(basin, stream string) *StreamHandle {
	return &StreamHandle{basin, stream, a.control}
}

// Streams returns all streams, and their basins.
func (a *Account) Streams(ctx context.Context) (*Overview, error) {
	found, err := call[Overview](ctx, a.control, routes.listStreams, request{})
	return &found, err
}

// Outage lets the service be gone until [Account.EndOutage].
func (a *Account) Outage(ctx context.Context) error {
	return a.control.do(ctx, routes.beginOutage, request{})
}

// EndOutage lets the service be back.
func (a *Account) EndOutage(ctx context.Context) error {
	return a.control.do(ctx, routes.endOutage, request{})
}

// IssuedToken is an access token that an account has issued.
type IssuedToken struct {
	Client
	// ID is the name of the token.
	ID      string
	control *control
}

// IssueToken issues an access token.
func (a *Account) IssueToken(ctx context.Context, id string, options TokenOptions) (*IssuedToken, error) {
	document := encode(options).(map[string]any)
	document["id"] = id
	if !options.ExpiresAt.IsZero() {
		document["expires_at"] = options.ExpiresAt.UTC().Format(time.RFC3339Nano)
	}
	issued, err := call[struct {
		AccessToken string `json:"access_token"`
	}](ctx, a.control, direct("POST", "/access-tokens"), request{body: document})
	if err != nil {
		return nil, err
	}
	return &IssuedToken{Client{a.URL, issued.AccessToken}, id, a.control}, nil
}

// Revoke revokes the token.
func (i *IssuedToken) Revoke(ctx context.Context) error {
	return i.control.do(ctx, direct("DELETE", "/access-tokens/{id}"), request{path: []any{i.ID}})
}

// Advice returns exchanges with advice that was not taken yet: requests that S2 accepts and that are
// probably mistakes.
func (a *Account) Advice(ctx context.Context) ([]Exchange, error) {
	found, err := call[advisedExchanges](ctx, a.control, routes.takeAdvice, request{})
	return found.Exchanges, err
}

// Coverage returns what the requests of the account have covered, and what they have not.
func (a *Account) Coverage(ctx context.Context) (*Coverage, error) {
	found, err := call[Coverage](ctx, a.control, routes.readCoverage, request{})
	return &found, err
}

// Status returns what is going on: the clock and what waits on it, faults, holds, hooks.
func (a *Account) Status(ctx context.Context) (*Status, error) {
	found, err := call[Status](ctx, a.control, routes.readStatus, request{})
	return &found, err
}

// SavePage writes the page of the account into a file, for a person to read after the test.
func (a *Account) SavePage(ctx context.Context, path string) error {
	page, err := a.control.send(ctx, routes.getReport, request{accept: "text/html"})
	if err != nil {
		return err
	}
	return os.WriteFile(path, page, 0o644)
}

// Report returns the text for a failed test: its timeline, what it has not used, and what was to be applied
// late and never was, which is dropped.
func (a *Account) Report(ctx context.Context) (string, error) {
	timeline, err := a.Journal.TimelineText(ctx)
	if err != nil {
		return "", err
	}
	complaints, err := a.Complaints(ctx)
	if err != nil {
		return "", err
	}
	late, err := call[lateRemarks](ctx, a.control, routes.dropLate, request{})
	if err != nil {
		return "", err
	}
	first, rest, _ := strings.Cut(timeline, "\n")
	if name := a.Name(); name != "" {
		first += " (" + name + ")"
	}
	lines := []string{"--- " + first + " ---"}
	if rest != "" {
		lines = append(lines, rest)
	}
	return strings.Join(append(append(lines, complaints...), late.Remarks...), "\n"), nil
}

// Complaints returns why the test fails if it ends now: faults that never fired, holds that no operation
// reached, hooks that failed.
func (a *Account) Complaints(ctx context.Context) ([]string, error) {
	faults, err := call[injectedFaults](ctx, a.control, routes.listFaults, request{})
	if err != nil {
		return nil, err
	}
	holds, err := call[holdList](ctx, a.control, routes.listHolds, request{})
	if err != nil {
		return nil, err
	}
	var complaints []string
	for _, fault := range faults.Faults {
		complaints = append(complaints, fault.Complaint)
	}
	for _, hold := range holds.Holds {
		complaints = append(complaints, hold.Complaint)
	}
	a.lock.Lock()
	hooks := append([]*Hook(nil), a.hooks...)
	a.lock.Unlock()
	for _, hook := range hooks {
		for _, err := range hook.Errors() {
			complaints = append(complaints, fmt.Sprintf("a hook on %v failed: %v", hook.On, err))
		}
	}
	said := complaints[:0]
	for _, text := range complaints {
		if text != "" {
			said = append(said, text)
		}
	}
	return said, nil
}

// End ends the account: its sessions, connections and holds, its forks, its hooks. It returns an
// [UnusedError] for a fault that never fired, a hold that no operation reached and a hook that failed.
// Ending twice is harmless.
func (a *Account) End(ctx context.Context) error { return a.end(ctx, false) }

// Discard ends the account, and has no complaints.
func (a *Account) Discard(ctx context.Context) error { return a.end(ctx, true) }

func (a *Account) end(ctx context.Context, hasFailed bool) error {
	a.lock.Lock()
	isEnded := a.isEnded
	a.isEnded = true
	hooks, forks := a.hooks, a.forks
	a.lock.Unlock()
	if isEnded {
		return nil
	}
	a.server.forget(a)
	if hasFailed {
		for _, hook := range hooks {
			hook.cancel()
		}
	}
	failed := a.removeHooks(ctx)
	var complaints []string
	if !hasFailed {
		var err error
		complaints, err = a.Complaints(ctx)
		failed = errors.Join(failed, err)
	}
	for _, fork := range forks {
		failed = errors.Join(failed, fork.Discard(ctx))
	}
	if !a.isAttempt {
		if err := a.control.do(ctx, routes.endAccount, request{}); !hasStatus(err, 401) {
			failed = errors.Join(failed, err)
		}
	}
	if len(complaints) > 0 {
		failed = errors.Join(&UnusedError{complaints}, failed)
	}
	return failed
}

// removeHooks removes all hooks: one in progress may fail, and waits for nothing that ends later.
func (a *Account) removeHooks(ctx context.Context) error {
	a.lock.Lock()
	hooks := append([]*Hook(nil), a.hooks...)
	a.lock.Unlock()
	var failed error
	for _, hook := range hooks {
		failed = errors.Join(failed, hook.Remove(ctx))
	}
	return failed
}
