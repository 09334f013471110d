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

// TB is what this package uses of a [testing.TB], so that other test runners can be used, too.
type TB interface {
	Helper()
	Name() string
	Cleanup(func())
	Failed() bool
	Log(arguments ...any)
	Error(arguments ...any)
	Fatal(arguments ...any)
}

// The time in which the account of a test has to end.
const endTime = 30 * time.Second

var shared struct {
	lock   sync.Mutex
	server *Server
	err    error
}

// sharedServer returns the one server of this process.
func sharedServer() (*Server, error) {
	shared.lock.Lock()
	defer shared.lock.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = StartServer(context.Background(), ServerOptions{})
	}
	return shared.server, shared.err
}

// Start returns the one server of this process: that at S2MOCK_URL, or one that the first call starts and
// that ends with the process. The test fails if there is none.
func Start(t TB) *Server {
	t.Helper()
	server, err := sharedServer()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// Main is for a TestMain: it starts the server for all tests of a package, sets S2MOCK_URL for the processes
// that they start, runs the tests, stops the server and ends the process. It is not needed: [Start] starts
// the server with the first test.
func Main(m interface{ Run() int }) {
	server, err := sharedServer()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, variable := range server.Env() {
		name, value, _ := strings.Cut(variable, "=")
		_ = os.Setenv(name, value)
	}
	code := m.Run()
	_ = server.Stop(context.Background())
	os.Exit(code)
}

// New makes an account for a test, on the one server of this process: see [Server.Account].
func New(t TB, options AccountOptions) *Account {
	t.Helper()
	return Start(t).Account(t, options)
}

// Account makes an account for a test, with its name. It ends with the test: a fault that never fired, a
// hold that no operation reached and a hook that failed fail the test, and if the test fails, the timeline
// of the account is in its log.
func (s *Server) Account(t TB, options AccountOptions) *Account {
	t.Helper()
	if options.Name == "" {
		options.Name = t.Name()
	}
	// A test may have no context, and its own is done before it is cleaned up.
	account, err := s.NewAccount(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), endTime)
		defer cancel()
		account.endTest(ctx, t)
	})
	return account
}

// endTest ends the account of a test, and reports it to the test.
func (a *Account) endTest(ctx context.Context, t TB) {
	t.Helper()
	a.lock.Lock()
	isEnded := a.isEnded
	a.lock.Unlock()
	if isEnded {
		return
	}
	tell := t.Log
	if !t.Failed() {
		err := a.removeHooks(ctx)
		complaints, failed := a.Complaints(ctx)
		if err = errors.Join(err, failed); err != nil {
			t.Error(err)
		}
		if len(complaints) > 0 {
			tell = t.Error
		} else if err == nil {
			tell = nil
		}
	}
	if tell != nil {
		report, err := a.Report(ctx)
		if err != nil {
			report = fmt.Sprintf("s2mock has no report: %v", err)
		}
		tell("\n" + report)
	}
	if err := a.Discard(ctx); err != nil {
		t.Error(err)
	}
}

// Replay runs a scenario in the campaign that a report names, such as one attempt alone, and fails the test
// if that fails. A report prints the call.
func Replay(t TB, plan string, scenario Scenario) {
	t.Helper()
	if _, err := Start(t).Replay(context.Background(), plan, scenario); err != nil {
		t.Fatal(err)
	}
}
