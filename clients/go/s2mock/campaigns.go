package s2mock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// The real time in which a run has to end; the server ends one earlier whose actors cannot go on.
const runTime = 60 * time.Second

// The time in which a stopped worker should end.
const stopTime = 5 * time.Second

// Scenario runs one attempt of a campaign; an error fails it, and so does what the [Attempt] is told as a
// testing object. The name of the function is in the test to paste that a report has.
type Scenario func(ctx context.Context, attempt *Attempt) error

// ActorFunction is an actor or a worker: it uses the server with its own token, by which its operations are
// known. The context is done when a worker is to stop, as by a crash: to stop a process, kill it then.
type ActorFunction func(ctx context.Context, actor *Actor) error

// Actor is an actor of an attempt, or its worker.
type Actor struct {
	Client
	// Name is the name of the actor.
	Name string
}

// Attempt is one run of a scenario, on an account of its own. Assertions may use it in place of a
// [testing.T]: it has Errorf, FailNow, Fatalf and Helper.
type Attempt struct {
	*Account
	// Number is the number of the attempt, from 1 on.
	Number int
	// Title says what is done in it, such as "a crash before append 2".
	Title string

	made     CampaignAttempt
	lock     sync.Mutex
	messages []string
}

// Helper is there for libraries that expect a testing object.
func (a *Attempt) Helper() {}

// Errorf fails the attempt, which goes on.
func (a *Attempt) Errorf(format string, arguments ...any) {
	a.lock.Lock()
	defer a.lock.Unlock()
	a.messages = append(a.messages, fmt.Sprintf(format, arguments...))
}

// Fatalf fails the attempt, and ends the goroutine of the scenario.
func (a *Attempt) Fatalf(format string, arguments ...any) {
	a.Errorf(format, arguments...)
	runtime.Goexit()
}

// FailNow fails the attempt, and ends the goroutine of the scenario.
func (a *Attempt) FailNow() {
	a.lock.Lock()
	if len(a.messages) == 0 {
		a.messages = append(a.messages, "it called FailNow")
	}
	a.lock.Unlock()
	runtime.Goexit()
}

// Actors runs the actors, each with its own token; the server lets their operations go one at a time.
func (a *Attempt) Actors(ctx context.Context, actors map[string]ActorFunction) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type end struct {
		name string
		err  error
	}
	ended := make(chan end, len(actors))
	for _, name := range slices.Sorted(maps.Keys(actors)) {
		go func() { ended <- end{name, a.start(ctx, name, actors[name])} }()
	}
	// It is answered when all have ended. If one does not end, the message says what each waits for.
	now, err := a.wait(ctx)
	if err != nil {
		return err
	}
	var failed []string
	var errs []error
	for range actors {
		var one end
		if now.Message == "" {
			one = <-ended
		} else {
			select {
			case one = <-ended:
			default:
				continue
			}
		}
		if one.err != nil {
			errs = append(errs, one.err)
			failed = append(failed, fmt.Sprintf("%s failed with %v", one.name, one.err))
		}
	}
	if now.Message != "" {
		slices.Sort(failed)
		return errors.New(strings.Join(append([]string{now.Message}, failed...), "; "))
	}
	return errors.Join(errs...)
}

// Run runs the worker, and stops it at the point of the attempt; it returns true if it was stopped. What
// the worker still sends then is dropped.
func (a *Attempt) Run(ctx context.Context, work ActorFunction) (bool, error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- a.start(running, "worker", work) }()
	// It is answered when the point is reached, or when the worker has ended by itself.
	now, err := a.wait(ctx)
	if err != nil {
		return false, err
	}
	if !now.Reached {
		return false, <-ended
	}
	stop()
	// One that ignores its context is left alone: all that it sends is dropped.
	late := time.NewTimer(stopTime)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
	case <-ctx.Done():
		return true, ctx.Err()
	}
	// It may have ended before, with the connection that it has lost.
	err = a.server.control.do(ctx, routes.reportCrash, request{path: a.path()})
	if hasStatus(err, 409) {
		err = nil
	}
	return true, err
}

func (a *Attempt) path() []any { return []any{a.made.Campaign, a.made.Number} }

func (a *Attempt) wait(ctx context.Context) (CampaignAttempt, error) {
	limited, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	longer, query, end := waiting(limited, nil)
	defer end()
	return call[CampaignAttempt](longer, a.server.control, routes.getAttempt, request{path: a.path(), query: query})
}

func (a *Attempt) start(ctx context.Context, name string, run ActorFunction) (err error) {
	var token string
	var known []string
	for _, actor := range a.made.Actors {
		known = append(known, actor.Name)
		if actor.Name == name {
			token = actor.Token
		}
	}
	if token == "" {
		there := "none"
		if len(known) > 0 {
			there = strings.Join(known, ", ")
		}
		return fmt.Errorf("this attempt has no actor %q: there are %s", name, there)
	}
	defer func() {
		isStopped := ctx.Err() != nil
		path := append(a.path(), name)
		failed := a.server.control.do(context.WithoutCancel(ctx), routes.endActor, request{path: path})
		// A worker that was stopped may end when its attempt has ended.
		if isStopped && hasStatus(failed, 404, 409) {
			failed = nil
		}
		err = errors.Join(err, failed)
	}()
	return recovered(func() error { return run(ctx, &Actor{Client{a.URL, token}, name}) })
}

// recovered calls a function, and returns a panic as an error. It returns an error, too, if the function
// ends its goroutine, which is one of its own.
func recovered(run func() error) error {
	ended := make(chan error, 1)
	go func() {
		err := errGoexit
		defer func() {
			if panicked := recover(); panicked != nil {
				err = fmt.Errorf("panic: %v%s", panicked, placeOfPanic())
			}
			ended <- err
		}()
		err = run()
	}()
	return <-ended
}

var errGoexit = errors.New("it ended its goroutine: a test function such as t.Fatal belongs to the goroutine of " +
	"its test, so return an error, or call Fatalf of the attempt")

// placeOfPanic returns the file and the line that panicked.
func placeOfPanic() string {
	counters := make([]uintptr, 32)
	frames := runtime.CallersFrames(counters[:runtime.Callers(3, counters)])
	for {
		frame, more := frames.Next()
		if frame.File != "" && !strings.HasPrefix(frame.Function, "runtime.") {
			return fmt.Sprintf(" at %s:%d", frame.File, frame.Line)
		}
		if !more {
			return ""
		}
	}
}

// Sweep runs a scenario with each fault at each matching operation. It returns a [CampaignError] if an
// attempt has failed.
func (s *Server) Sweep(ctx context.Context, plan SweepPlan, scenario Scenario) (*CampaignReport, error) {
	plan.Scenario = nameOf(plan.Scenario, scenario)
	return s.run(ctx, CampaignSweep, encode(plan), scenario)
}

// Orders runs a scenario in each order in which the operations of its actors can take effect. It returns a
// [CampaignError] if an attempt has failed.
func (s *Server) Orders(ctx context.Context, plan OrdersPlan, scenario Scenario) (*CampaignReport, error) {
	plan.Scenario = nameOf(plan.Scenario, scenario)
	return s.run(ctx, CampaignOrders, encode(plan), scenario)
}

// Crashes runs a scenario with a crash of its worker before and after each effect. It returns a
// [CampaignError] if an attempt has failed.
func (s *Server) Crashes(ctx context.Context, plan CrashPlan, scenario Scenario) (*CampaignReport, error) {
	plan.Scenario = nameOf(plan.Scenario, scenario)
	return s.run(ctx, CampaignCrash, encode(plan), scenario)
}

// Replay runs a scenario in a campaign that is given as JSON, such as the one attempt that a report names.
func (s *Server) Replay(ctx context.Context, plan string, scenario Scenario) (*CampaignReport, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(plan), &members); err != nil {
		return nil, fmt.Errorf("the plan of a campaign is a JSON object: %w", err)
	}
	var kind CampaignKind
	if err := json.Unmarshal(members["kind"], &kind); err != nil {
		return nil, fmt.Errorf("the plan of a campaign has its kind: %w", err)
	}
	encoded := map[string]any{}
	for name, value := range members {
		encoded[name] = value
	}
	if name := nameOf("", scenario); name != "" {
		encoded["scenario"] = name
	}
	return s.run(ctx, kind, encoded, scenario)
}

// Sweep is [Server.Sweep]; its attempts have the options of the account, if the plan has none.
func (a *Account) Sweep(ctx context.Context, plan SweepPlan, scenario Scenario) (*CampaignReport, error) {
	plan.Options = a.optionsFor(plan.Options)
	return a.server.Sweep(ctx, plan, scenario)
}

// Orders is [Server.Orders]; its attempts have the options of the account, if the plan has none.
func (a *Account) Orders(ctx context.Context, plan OrdersPlan, scenario Scenario) (*CampaignReport, error) {
	plan.Options = a.optionsFor(plan.Options)
	return a.server.Orders(ctx, plan, scenario)
}

// Crashes is [Server.Crashes]; its attempts have the options of the account, if the plan has none.
func (a *Account) Crashes(ctx context.Context, plan CrashPlan, scenario Scenario) (*CampaignReport, error) {
	plan.Options = a.optionsFor(plan.Options)
	return a.server.Crashes(ctx, plan, scenario)
}

func (a *Account) optionsFor(chosen *AccountOptions) *AccountOptions {
	if chosen != nil {
		return chosen
	}
	options := a.Options
	return &options
}

// run runs the scenario in each attempt of a campaign.
func (s *Server) run(ctx context.Context, kind CampaignKind, plan any, scenario Scenario) (*CampaignReport, error) {
	body := maps.Clone(plan.(map[string]any))
	body["kind"] = kind
	made, err := call[newCampaign](ctx, s.control, routes.makeCampaign, request{body: body})
	if err != nil {
		return nil, err
	}
	path := []any{made.Number}
	defer func() {
		_ = s.control.do(context.WithoutCancel(ctx), routes.endCampaign, request{path: path})
	}()
	for {
		one, err := call[CampaignAttempt](ctx, s.control, routes.beginAttempt, request{path: path})
		if err != nil {
			return nil, err
		}
		if one.Number == 0 {
			break
		}
		end := attemptEnd{Outcome: OutcomePassed}
		if message := s.attempt(ctx, one, scenario); message != "" {
			end = attemptEnd{OutcomeFailed, message}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		sent := request{path: []any{made.Number, one.Number}, body: end}
		if err := s.control.do(ctx, routes.endAttempt, sent); err != nil {
			return nil, err
		}
	}
	report, err := call[CampaignReport](ctx, s.control, routes.reportCampaign, request{path: path})
	if err != nil || report.Passed {
		return &report, err
	}
	query := queryOf("language", "go")
	text, err := s.control.send(ctx, routes.reportCampaign, request{path: path, query: query, accept: "text/plain"})
	if err != nil {
		return &report, err
	}
	return &report, &CampaignError{strings.TrimRight(string(text), "\n"), &report}
}

// attempt runs the scenario in one attempt, and returns why it has failed, or "".
func (s *Server) attempt(ctx context.Context, made CampaignAttempt, scenario Scenario) string {
	account := newAccountOf(s, made.Token, AccountOptions{})
	account.isAttempt = true
	attempt := &Attempt{Account: account, Number: made.Number, Title: made.Title, made: made}
	err := recovered(func() error { return scenario(ctx, attempt) })
	attempt.lock.Lock()
	messages := attempt.messages
	attempt.lock.Unlock()
	if err != nil && (!errors.Is(err, errGoexit) || len(messages) == 0) {
		messages = append(messages, err.Error())
	}
	if len(messages) > 0 {
		_ = account.Discard(ctx)
	} else if err := account.End(ctx); err != nil {
		messages = append(messages, err.Error())
	}
	return strings.Join(messages, "\n")
}

var identifier = regexp.MustCompile(`^[\pL_]\w*$`)
var closure = regexp.MustCompile(`^func\d+$`)

// nameOf returns the name of a function that a test of the same package can call, or "".
func nameOf(chosen string, scenario Scenario) string {
	if chosen != "" {
		return chosen
	}
	name := runtime.FuncForPC(reflect.ValueOf(scenario).Pointer()).Name()
	name = name[strings.LastIndex(name, "/")+1:]
	_, name, _ = strings.Cut(name, ".")
	if !identifier.MatchString(name) || closure.MatchString(name) {
		return ""
	}
	return name
}
