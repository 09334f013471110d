// Campaigns of s2mock: a scenario is run again and again, with each fault at each operation, in each
// order of its actors, or with a crash before and after each effect. Copy this file into your
// package, with s2mock_test.go.
package orders

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// Scenario is run once in each attempt; an error fails the attempt.
type Scenario func(*Attempt) error

// Actor is an actor of a scenario, or its worker, with a token of its own.
type Actor func(context.Context, *S2Mock) error

// Attempt is one run of the scenario, on an account of its own.
type Attempt struct {
	*S2Mock
	path   string
	tokens map[string]string
}

// patience is for how many seconds one run may go on.
const patience = "?wait=60"

// Actors runs the actors; s2mock lets their operations go one at a time.
func (a *Attempt) Actors(actors map[string]Actor) error {
	ended := make(chan error, len(actors))
	for name, actor := range actors {
		go func() { ended <- a.start(context.Background(), name, actor) }()
	}
	// It is answered when all have ended. If one does not, the message says what each waits for.
	var now struct{ Message string }
	if err := a.send("GET", a.path+patience, nil, &now); err != nil {
		return err
	}
	var failed error
	if now.Message != "" {
		failed = errors.New(now.Message)
		for {
			select {
			case err := <-ended:
				if err != nil {
					failed = fmt.Errorf("%w; %w", failed, err)
				}
			default:
				return failed
			}
		}
	}
	for range actors {
		failed = errors.Join(failed, <-ended)
	}
	return failed
}

// Run runs the worker, and stops it at the point of this attempt; it returns true if it was stopped.
// What it still sends then is dropped. To stop a process, kill it when the context is done.
func (a *Attempt) Run(work Actor) (bool, error) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- a.start(ctx, "worker", work) }()
	// It is answered when the point is reached, or when the worker has ended by itself.
	var now struct{ Reached bool }
	if err := a.send("GET", a.path+patience, nil, &now); err != nil {
		return false, err
	}
	if !now.Reached {
		return false, <-ended
	}
	stop()
	<-ended
	return true, nil
}

func (a *Attempt) start(ctx context.Context, name string, actor Actor) error {
	err := actor(ctx, &S2Mock{URL: a.URL, Token: a.tokens[name], t: a.t})
	return errors.Join(err, a.send("POST", a.path+"/actors/"+name+"/end", nil, nil))
}

// RunCampaign runs the scenario in each attempt of the campaign, and fails the test with its report.
func RunCampaign(t *testing.T, plan M, scenario Scenario) {
	t.Helper()
	if _, report := Explore(t, plan, scenario); report != "" {
		t.Fatal(report)
	}
}

// Explore does the same, and returns the number of attempts and the report, which is empty if none
// has failed. A scenario that is a function with a name gets a test to paste.
func Explore(t *testing.T, plan M, scenario Scenario) (attempts int, report string) {
	t.Helper()
	server := &S2Mock{URL: os.Getenv("S2_ACCOUNT_ENDPOINT"), t: t}
	plan = maps.Clone(plan)
	name := runtime.FuncForPC(reflect.ValueOf(scenario).Pointer()).Name()
	if name = name[strings.LastIndex(name, ".")+1:]; !strings.HasPrefix(name, "func") {
		plan["scenario"] = name
	}
	var made struct{ Number int }
	server.Call("POST", "/campaigns", plan, &made)
	path := fmt.Sprintf("/campaigns/%d", made.Number)
	defer server.Call("DELETE", path, nil, nil)
	for {
		var one struct {
			Number int
			Token  string
			Actors []struct{ Name, Token string }
		}
		server.Call("POST", path+"/attempts", nil, &one)
		if one.Number == 0 {
			break
		}
		own := &S2Mock{URL: server.URL, Token: one.Token, t: t}
		attempt := &Attempt{own, fmt.Sprintf("%s/attempts/%d", path, one.Number), map[string]string{}}
		for _, actor := range one.Actors {
			attempt.tokens[actor.Name] = actor.Token
		}
		end := M{"outcome": "passed"}
		if err := scenario(attempt); err != nil {
			end = M{"outcome": "failed", "message": err.Error()}
		}
		server.Call("POST", attempt.path+"/end", end, nil)
	}
	var found struct {
		Passed   bool
		Attempts int
	}
	server.Call("GET", path, nil, &found)
	if !found.Passed {
		server.Call("GET", path+"?language=go", nil, &report)
	}
	return found.Attempts, report
}
