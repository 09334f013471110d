package test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/s2mock/s2mock/clients/go/s2mock"
)

// recorder is a test that keeps what it is told, and is not run by go.
type recorder struct {
	cleanups []func()
	hasError bool
	log      string
}

func (r *recorder) Helper()              {}
func (r *recorder) Name() string         { return "TestOfAnOrder" }
func (r *recorder) Cleanup(do func())    { r.cleanups = append(r.cleanups, do) }
func (r *recorder) Failed() bool         { return r.hasError }
func (r *recorder) Log(arguments ...any) { r.log += fmt.Sprint(arguments...) }
func (r *recorder) Error(arguments ...any) {
	r.hasError = true
	r.Log(arguments...)
}
func (r *recorder) Fatal(arguments ...any) { r.Error(arguments...) }

func (r *recorder) end() string {
	for _, cleanup := range r.cleanups {
		cleanup()
	}
	return r.log
}

var _ s2mock.TB = (*testing.T)(nil)

func TestTimelineIsInTheLogOfATestThatFails(t *testing.T) {
	t.Parallel()
	one := &recorder{}
	mock := s2mock.New(one, shop)
	ok(mock.Inject(ctx, lost, s2mock.OpAppend))(t)
	noError(t, shipOnce(ctx, &mock.Client, "tea"))
	one.Error("no tea")
	log := one.end()
	if !regexp.MustCompile(`^no tea\n--- s2mock: \d exchanges, 1 fault \(TestOfAnOrder\) ---\n1 `).MatchString(log) {
		t.Fatal(log)
	}
	contains(t, log, `{"Fail": {"code": "unavailable", "committed": true}}`)
}

func TestFaultThatNeverFiredFailsItsTest(t *testing.T) {
	t.Parallel()
	one := &recorder{}
	mock := s2mock.New(one, shop)
	ok(mock.Inject(ctx, s2mock.Drop{Committed: true}, s2mock.OpAppend))(t)
	log := one.end()
	equal(t, one.hasError, true)
	complaint := `a fault never fired: {"fault": {"Drop": {"committed": true}}, "on": "append"}; no append arrived`
	equal(t, strings.Count(log, complaint), 1)
}

func TestHoldThatNoOperationReachedFailsItsTest(t *testing.T) {
	t.Parallel()
	one := &recorder{}
	ok(s2mock.New(one, shop).Hold(ctx, s2mock.OpAppend))(t)
	contains(t, one.end(), "a hold")
	equal(t, one.hasError, true)
}

func TestTestThatPassesHasNothingInItsLog(t *testing.T) {
	t.Parallel()
	one := &recorder{}
	mock := s2mock.New(one, shop)
	ok(mock.Inject(ctx, s2mock.Drop{}, s2mock.OpAppend, s2mock.Optional))(t)
	equal(t, mock.Name(), "TestOfAnOrder")
	names := ""
	for _, account := range ok(s2mock.Start(t).Accounts(ctx))(t) {
		names += account.Name + "\n"
	}
	contains(t, names, "TestOfAnOrder, 0 exchanges")
	equal(t, one.end(), "")
	equal(t, one.hasError, false)
}
