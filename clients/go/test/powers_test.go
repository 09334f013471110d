package test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/s2-streamstore/s2-sdk-go/s2"

	"github.com/s2mock/s2mock/clients/go/s2mock"
)

var timed = s2mock.AccountOptions{Basins: shop.Basins, Clock: s2mock.ClockManual}

func TestFaultThatLosesAnAnswer(t *testing.T) {
	mock := open(t, shop)
	ok(mock.Inject(ctx, lost, s2mock.OpAppend))(t)
	noError(t, shipOnce(ctx, &mock.Client, "tea", "cake"))
	are(t, ok(read(ctx, ordersOf(&mock.Client)))(t), "tea", "cake")
	first := ok(mock.Journal.Of(ctx, s2mock.Filter{Operation: s2mock.OpAppend}))(t)[0]
	equal(t, first.Response.Status, http.StatusServiceUnavailable)
	equal(t, first.Effect.Committed, true)
	equal(t, first.Fault, s2mock.Fault(lost))
}

func TestFaultsOfAListLetOnePass(t *testing.T) {
	mock := open(t, shop)
	faults := s2mock.Each{nil, s2mock.Drop{Committed: true}}
	injected := ok(mock.Inject(ctx, faults, s2mock.OpAppend, s2mock.InStream("ord*")))(t)
	noError(t, ship(ctx, &mock.Client, "tea", "cake"))
	are(t, ok(mock.Stream("shop-basin", "orders").Bodies(ctx))(t), "tea", "cake", "cake")
	dropped := ok(injected.Wait(ctx, 1))(t)
	equal(t, dropped[0].Response, nil)
	equal(t, ok(injected.Hits(ctx))(t), 1)
	equal(t, fmt.Sprint(ok(injected.State(ctx))(t).Faults), fmt.Sprint(faults))
}

func TestFaultWhoseEffectIsLate(t *testing.T) {
	mock := open(t, shop)
	ok(mock.Inject(ctx, s2mock.Late{Reads: 1, Code: s2mock.CodeStorage}, s2mock.OpAppend))(t)
	noError(t, shipOnce(ctx, &mock.Client, "tea"))
	are(t, ok(read(ctx, ordersOf(&mock.Client)))(t), "tea")
}

func TestFaultThatIsRemovedIsNotDemanded(t *testing.T) {
	mock := open(t, shop)
	cut := s2mock.Cut{Bytes: s2mock.Ptr(3)}
	injected := ok(mock.Inject(ctx, cut, s2mock.OpRead, s2mock.Times(s2mock.Always)))(t)
	complaint := ok(injected.State(ctx))(t).Complaint
	if !strings.Contains(complaint, `{"Cut": {"bytes": 3}}`) {
		t.Fatal(complaint)
	}
	noError(t, injected.Remove(ctx))
	noError(t, injected.Remove(ctx))
}

func TestWaitSaysWhatArrivedInstead(t *testing.T) {
	mock := open(t, shop)
	injected := ok(mock.Inject(ctx, s2mock.Drop{}, s2mock.OpAppend, s2mock.InStream("order"), s2mock.Optional))(t)
	noError(t, ship(ctx, &mock.Client, "tea"))
	over, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	_, err := injected.Wait(over, 1)
	if !errors.Is(err, s2mock.ErrTimeout) ||
		!strings.Contains(err.Error(), "1 append arrived, to `orders`; the fault waits for `order`") {
		t.Fatal(err)
	}
}

func TestWaitEndsWhenItsContextIsCancelled(t *testing.T) {
	mock := open(t, shop)
	cancelled, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() {
		_, err := mock.Journal.Wait(cancelled, 1, s2mock.Filter{Operation: s2mock.OpAppend})
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestHeldAppendIsNotThereYet(t *testing.T) {
	mock := open(t, shop)
	held := ok(mock.Hold(ctx, s2mock.OpAppend, s2mock.At(s2mock.AtCommit)))(t)
	shipped := make(chan error)
	go func() { shipped <- ship(ctx, &mock.Client, "tea") }()
	ok(held.Wait(ctx, 1))(t)
	are(t, ok(read(ctx, ordersOf(&mock.Client)))(t))
	noError(t, held.Release(ctx))
	noError(t, <-shipped)
	are(t, ok(read(ctx, ordersOf(&mock.Client)))(t), "tea")
}

func TestOneOperationIsReleasedWithAFault(t *testing.T) {
	mock := open(t, shop)
	held := ok(mock.Hold(ctx, s2mock.OpAppend, s2mock.Times(2)))(t)
	shipped := make(chan error)
	for _, item := range []string{"tea", "cake"} {
		go func() { shipped <- ship(ctx, &mock.Client, item) }()
	}
	exchanges := ok(held.Wait(ctx, 2))(t)
	noError(t, held.ReleaseOne(ctx, exchanges[0], s2mock.Drop{}))
	noError(t, held.Release(ctx))
	noError(t, errors.Join(<-shipped, <-shipped))
	dropped := 0
	for _, exchange := range ok(mock.Journal.Of(ctx, s2mock.Filter{Operation: s2mock.OpAppend}))(t) {
		if exchange.Fault == s2mock.Fault(s2mock.Drop{}) && !exchange.Effect.Committed {
			dropped++
		}
	}
	equal(t, dropped, 1)
}

func TestHookIsFasterEveryTime(t *testing.T) {
	mock := open(t, shop)
	orders := mock.Stream("shop-basin", "orders")
	hook := ok(mock.On(ctx, s2mock.OpAppend, func(ctx context.Context, _ s2mock.Exchange) (s2mock.Fault, error) {
		_, err := orders.Append(ctx, "theirs")
		return nil, err
	}, s2mock.Times(1)))(t)
	noError(t, takeIfFree(ctx, &mock.Client, "mine"))
	are(t, ok(orders.Bodies(ctx))(t), "theirs")
	equal(t, hook.Count(), 1)
	noError(t, hook.Remove(ctx))
}

func TestHookDecidesTheFault(t *testing.T) {
	mock := open(t, shop)
	ok(mock.On(ctx, s2mock.OpAppend, func(_ context.Context, exchange s2mock.Exchange) (s2mock.Fault, error) {
		var sent struct{ Records []struct{ Body string } }
		if err := exchange.Request.Decode(&sent); err != nil || sent.Records[0].Body != "cake" {
			return nil, err
		}
		return s2mock.Fail{Code: s2mock.CodeInvalid}, nil
	}))(t)
	err := ship(ctx, &mock.Client, "tea", "cake")
	if err == nil {
		t.Fatal("the cake was shipped")
	}
	are(t, ok(read(ctx, ordersOf(&mock.Client)))(t), "tea")
}

func TestHookThatFailsIsAComplaint(t *testing.T) {
	t.Parallel()
	account := ok(s2mock.Start(t).NewAccount(ctx, shop))(t)
	ok(account.On(ctx, s2mock.OpAppend, func(context.Context, s2mock.Exchange) (s2mock.Fault, error) {
		return nil, errors.New("no money")
	}))(t)
	noError(t, ship(ctx, &account.Client, "tea"))
	var unused *s2mock.UnusedError
	if err := account.End(ctx); !errors.As(err, &unused) || err.Error() != "a hook on append failed: no money" {
		t.Fatal(err)
	}
}

func TestWeekPassesAtOnce(t *testing.T) {
	options := timed
	week := s2mock.StreamConfig{Retention: s2mock.RetainFor(7 * 24 * time.Hour)}
	options.Basins = []s2mock.Basin{{Name: "shop-basin", Streams: []s2mock.Stream{{Name: "orders", Config: week}}}}
	mock := open(t, options)
	noError(t, ship(ctx, &mock.Client, "tea"))
	before := ok(mock.Clock.Now(ctx))(t)
	noError(t, mock.Advance(ctx, 8*24*time.Hour))
	noError(t, ship(ctx, &mock.Client, "cake"))
	are(t, ok(read(ctx, ordersOf(&mock.Client)))(t), "cake")
	equal(t, ok(mock.Clock.Now(ctx))(t).Sub(before), 8*24*time.Hour)
	age, _ := ok(mock.Stream("shop-basin", "orders").Look(ctx))(t).Config.Retention.Age()
	equal(t, age, 7*24*time.Hour)
}

func TestDelayEndsWhenTheClockIsAdvanced(t *testing.T) {
	mock := open(t, timed)
	ok(mock.Inject(ctx, s2mock.Delay{Duration: time.Minute}, s2mock.OpAppend))(t)
	shipped := make(chan error)
	go func() { shipped <- ship(ctx, &mock.Client, "tea") }()
	noError(t, mock.Clock.WaitForWaiters(ctx, 1))
	are(t, ok(mock.Stream("shop-basin", "orders").Bodies(ctx))(t))
	noError(t, mock.Advance(ctx, time.Minute))
	noError(t, <-shipped)
}

func TestClockStartsAtATime(t *testing.T) {
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	mock := open(t, s2mock.AccountOptions{Clock: s2mock.ClockManualAt(start)})
	equal(t, ok(mock.Clock.Now(ctx))(t), start)
}

func TestClockThatAdvancesByItselfIsStopped(t *testing.T) {
	options := timed
	options.Clock = s2mock.ClockAuto
	mock := open(t, options)
	noError(t, mock.Clock.Stop(ctx))
	ok(mock.Inject(ctx, s2mock.Delay{Duration: time.Hour}, s2mock.OpAppend))(t)
	shipped := make(chan error)
	go func() { shipped <- ship(ctx, &mock.Client, "tea") }()
	noError(t, mock.Clock.WaitForWaiters(ctx, 1))
	noError(t, mock.Clock.EndStop(ctx))
	noError(t, <-shipped)
}

func TestExchangeHasItsRequestAndItsEffect(t *testing.T) {
	mock := open(t, shop)
	noError(t, shipOnce(ctx, &mock.Client, "tea"))
	filter := s2mock.Filter{Operation: s2mock.OpAppend, Stream: "orders"}
	exchange := ok(mock.Journal.Wait(ctx, 1, filter))(t)[0]
	var sent struct {
		MatchSeqNum *int `json:"match_seq_num"`
	}
	noError(t, exchange.Request.Decode(&sent))
	equal(t, *sent.MatchSeqNum, 0)
	equal(t, *exchange.Effect.FirstSeqNum, 0)
	equal(t, exchange.Effect.Kind, s2mock.EffectAppended)
	equal(t, exchange.Operation, s2mock.OpAppend)
	noError(t, mock.Journal.Clear(ctx))
	equal(t, len(ok(mock.Journal.Of(ctx, s2mock.Filter{}))(t)), 0)
}

func TestExchangesAreFollowed(t *testing.T) {
	mock := open(t, shop)
	shipped := make(chan error)
	go func() { shipped <- ship(ctx, &mock.Client, "tea", "cake") }()
	seen := 0
	for exchange, err := range mock.Journal.Follow(ctx, s2mock.Filter{Operation: s2mock.OpAppend}) {
		noError(t, err)
		equal(t, exchange.Operation, s2mock.OpAppend)
		if seen++; seen == 2 {
			break
		}
	}
	noError(t, <-shipped)
}

func TestEverythingThatIsReported(t *testing.T) {
	mock := open(t, shop)
	noError(t, ship(ctx, &mock.Client, "tea", "cake"))
	text := ok(mock.Journal.TimelineText(ctx))(t)
	if !regexp.MustCompile(`^s2mock: 2 exchanges\n1 .* append .*\n2 .* append `).MatchString(text) {
		t.Fatal(text)
	}
	rows := ok(mock.Journal.Timeline(ctx, 1))(t).Rows
	equal(t, len(rows), 1)
	equal(t, *rows[0].LastSeqNum, 1)
	if cassette := ok(mock.Journal.Cassette(ctx))(t); !strings.Contains(string(cassette), "cassette") {
		t.Fatal(string(cassette))
	}
	if history := ok(mock.Journal.History(ctx, "shop-basin", ""))(t); strings.Count(string(history), "\n") < 2 {
		t.Fatal(string(history))
	}
	equal(t, ok(mock.Coverage(ctx))(t).Operations["append"].Calls, 2)
	equal(t, len(ok(mock.Advice(ctx))(t)), 0)
	if shown := ok(mock.Journal.Get(ctx, 1))(t); !strings.Contains(shown.Pytest, "tea") {
		t.Fatal(shown.Pytest)
	}
	lives := ok(mock.Stream("shop-basin", "orders").History(ctx))(t).Lives
	equal(t, lives[0].Records[1].Body.String(), "cake")
	equal(t, *lives[0].Records[1].By, 2)
	page := filepath.Join(t.TempDir(), "page.html")
	noError(t, mock.SavePage(ctx, page))
	if html := ok(os.ReadFile(page))(t); !strings.Contains(string(html), "<html") {
		t.Fatal(string(html))
	}
	equal(t, ok(mock.Status(ctx))(t).IsOut, false)
	equal(t, ok(mock.Streams(ctx))(t).Streams[0].Name, "orders")
	equal(t, ok(mock.Journal.State(ctx, s2mock.Filter{After: 1}))(t).Last, 2)
}

func TestSnapshotIsRestoredSavedLoadedAndStartedFrom(t *testing.T) {
	mock := open(t, shop)
	noError(t, ship(ctx, &mock.Client, "tea"))
	snapshot := ok(mock.Snapshot(ctx))(t)
	noError(t, ship(ctx, &mock.Client, "cake"))
	noError(t, mock.Restore(ctx, snapshot))
	are(t, ok(read(ctx, ordersOf(&mock.Client)))(t), "tea")
	file := filepath.Join(t.TempDir(), "shop.jsonl")
	noError(t, snapshot.Save(ctx, file))
	noError(t, snapshot.Forget(ctx))
	loaded := ok(s2mock.Start(t).LoadSnapshot(ctx, file))(t)
	other := s2mock.New(t, s2mock.AccountOptions{Snapshot: loaded})
	are(t, ok(read(ctx, ordersOf(&other.Client)))(t), "tea")
}

func TestForkGoesItsOwnWayAndEndsWithItsOrigin(t *testing.T) {
	t.Parallel()
	account := ok(s2mock.Start(t).NewAccount(ctx, shop))(t)
	noError(t, ship(ctx, &account.Client, "tea"))
	fork := ok(account.Fork(ctx))(t)
	noError(t, ship(ctx, &fork.Client, "cake"))
	are(t, ok(read(ctx, ordersOf(&fork.Client)))(t), "tea", "cake")
	are(t, ok(read(ctx, ordersOf(&account.Client)))(t), "tea")
	noError(t, account.Reset(ctx))
	are(t, ok(read(ctx, ordersOf(&account.Client)))(t))
	noError(t, account.End(ctx))
	noError(t, account.End(ctx))
	if _, err := fork.Journal.Of(ctx, s2mock.Filter{}); err == nil {
		t.Fatal("the fork goes on")
	}
}

func TestDirectCallsAreInNoJournal(t *testing.T) {
	mock := open(t, shop)
	other := mock.Basin("other-basin")
	noError(t, other.Create(ctx, s2mock.BasinConfig{CreateStreamOnAppend: true}))
	config := s2mock.StreamConfig{Retention: s2mock.RetainForever(), DeleteOnEmpty: s2mock.DeleteOnEmpty{MinAge: time.Hour}}
	log := ok(other.CreateStream(ctx, "log", config))(t)
	equal(t, ok(log.Append(ctx, "a", "b"))(t), 0)
	records := ok(log.WaitForRecords(ctx, 2))(t)
	equal(t, string(records[1].Body), "b")
	equal(t, records[1].SeqNum, 1)
	view := ok(log.Look(ctx))(t)
	equal(t, view.Tail.SeqNum, 2)
	equal(t, view.Config.DeleteOnEmpty.MinAge, time.Hour)
	equal(t, ok(other.Look(ctx))(t).Config.CreateStreamOnAppend, true)
	equal(t, len(ok(mock.Journal.Of(ctx, s2mock.Filter{}))(t)), 0)
}

func TestReaderAtTheTailIsAwaited(t *testing.T) {
	mock := open(t, shop)
	reading, stop := context.WithCancel(ctx)
	defer stop()
	session := ok(ordersOf(&mock.Client).ReadSession(reading, &s2.ReadOptions{TailOffset: s2.Int64(0)}))(t)
	defer session.Close()
	found := make(chan string, 1)
	go func() {
		if session.Next() {
			found <- string(session.Record().Body)
		} else {
			found <- fmt.Sprint("no record: ", session.Err())
		}
	}()
	orders := mock.Stream("shop-basin", "orders")
	noError(t, orders.WaitForReaders(ctx, 1))
	equal(t, ok(orders.Readers(ctx))(t), 1)
	ok(orders.Append(ctx, "tea"))(t)
	equal(t, <-found, "tea")
}

func TestTokenThatMayOnlyRead(t *testing.T) {
	mock := open(t, shop)
	reader := ok(mock.IssueToken(ctx, "reader", s2mock.TokenOptions{
		Scope: s2mock.TokenScope{
			Basins:   s2mock.Exactly("shop-basin"),
			Streams:  s2mock.Prefix(""),
			OpGroups: s2mock.OperationGroups{Stream: s2mock.Permissions{Read: true}},
		},
		ExpiresAt: time.Now().Add(time.Hour),
	}))(t)
	are(t, ok(read(ctx, ordersOf(&reader.Client)))(t))
	equal(t, statusOf(ship(ctx, &reader.Client, "tea")), http.StatusForbidden)
	noError(t, reader.Revoke(ctx))
	if _, err := read(ctx, ordersOf(&reader.Client)); err == nil {
		t.Fatal("a revoked token works")
	}
}

func TestAccountsNeverMeet(t *testing.T) {
	t.Parallel()
	var tests sync.WaitGroup
	for number := range 8 {
		account := s2mock.New(t, shop)
		tests.Add(1)
		go func() {
			defer tests.Done()
			text := fmt.Sprint("of ", number)
			if err := ship(ctx, &account.Client, text); err != nil {
				t.Error(err)
			}
			if found, err := read(ctx, ordersOf(&account.Client)); len(found) != 1 || found[0] != text {
				t.Error(found, err)
			}
		}()
	}
	tests.Wait()
}

func TestAppThatReadsTheEnvironmentByItself(t *testing.T) {
	mock := s2mock.New(t, shop)
	mock.Setenv(t)
	// As the app does it.
	app := s2.NewFromEnvironment(nil)
	found := ok(app.Basins.List(ctx, &s2.ListBasinsArgs{}))(t)
	equal(t, string(found.Basins[0].Name), "shop-basin")
}

func TestOutageEnds(t *testing.T) {
	mock := open(t, shop)
	noError(t, mock.Outage(ctx))
	if err := ship(ctx, &mock.Client, "tea"); err == nil {
		t.Fatal("the service is there")
	}
	equal(t, ok(mock.Status(ctx))(t).IsOut, true)
	noError(t, mock.EndOutage(ctx))
	noError(t, ship(ctx, &mock.Client, "tea"))
}

func TestOptionsOfAnAccount(t *testing.T) {
	mock := open(t, s2mock.AccountOptions{
		Basins:          s2mock.Basins("my-basin"),
		Auth:            s2mock.AuthRequired,
		AppendLatency:   s2mock.Latency(0),
		Limits:          s2mock.Limits{BatchesPerSecond: 1000, Basins: s2mock.Unlimited},
		Locations:       []s2mock.Location{{Name: "aws:us-east-1"}},
		Prices:          map[string]float64{"append-ops": 0.01},
		Profile:         s2mock.ProfileDocumented,
		CORS:            s2mock.Ptr(false),
		DeletionDelay:   s2mock.Ptr(time.Minute),
		RevocationDelay: s2mock.Ptr(time.Duration(0)),
		JournalLimit:    s2mock.Ptr(10),
		JournalBytes:    s2mock.Ptr(int64(1000)),
		Faults: []s2mock.FaultOptions{
			{Fault: s2mock.Delay{Duration: s2mock.Forever}, On: s2mock.Ops{s2mock.OpRead, s2mock.OpTrim}, IsOptional: true},
		},
	})
	state := ok(mock.Journal.State(ctx, s2mock.Filter{}))(t)
	equal(t, state.Limit, 10)
	equal(t, state.MaxBytes, 1000)
	equal(t, len(ok(mock.Status(ctx))(t).Faults), 1)
}

func failed(t *testing.T, _ *s2mock.CampaignReport, err error) *s2mock.CampaignError {
	t.Helper()
	var failed *s2mock.CampaignError
	if !errors.As(err, &failed) {
		t.Fatalf("the campaign has not failed: %v", err)
	}
	return failed
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Fatalf("%q is not in:\n%s", part, text)
		}
	}
}

// shipment is the scenario of a program that ships two items.
func shipment(program func(context.Context, *s2mock.Client, ...string) error) s2mock.Scenario {
	return func(ctx context.Context, attempt *s2mock.Attempt) error {
		if err := program(ctx, &attempt.Client, "tea", "cake"); err != nil {
			return err
		}
		return shipped(ctx, attempt)
	}
}

func shipped(ctx context.Context, attempt *s2mock.Attempt) error {
	found, err := read(ctx, ordersOf(&attempt.Client))
	if err == nil && strings.Join(found, " ") != "tea cake" {
		err = fmt.Errorf("shipped: %q", found)
	}
	return err
}

func oneShipment(ctx context.Context, attempt *s2mock.Attempt) error {
	return shipment(ship)(ctx, attempt)
}

func TestSweepFindsAnItemThatIsShippedTwice(t *testing.T) {
	mock := open(t, shop)
	plan := s2mock.SweepPlan{Faults: []s2mock.Fault{lost, s2mock.Drop{}}, On: s2mock.OpAppend}
	report, err := mock.Sweep(ctx, plan, oneShipment)
	found := failed(t, report, err)
	contains(t, found.Text, `at append 1 of 2: `, "func TestOneShipment", "s2mock.Replay(t, `{", "oneShipment)")
	equal(t, found.Report.Passed, false)
	// The one attempt, as the printed test runs it.
	replay := string(found.Report.Failures[0].Replay)
	report, err = s2mock.Start(t).Replay(ctx, replay, oneShipment)
	equal(t, failed(t, report, err).Report.Attempts, 1)
	ok(s2mock.Start(t).Replay(ctx, strings.Replace(replay, "{", `{"required": false, `, 1), shipment(shipOnce)))(t)
}

func TestSweepOfACarefulProgram(t *testing.T) {
	mock := open(t, shop)
	faults := []s2mock.Fault{lost, s2mock.Drop{Committed: true}, s2mock.Late{Reads: 1}}
	plan := s2mock.SweepPlan{Faults: faults, On: s2mock.OpAppend}
	equal(t, ok(mock.Sweep(ctx, plan, shipment(shipOnce)))(t).Attempts, 7)
}

func race(program func(context.Context, *s2mock.Client, string) error) s2mock.Scenario {
	return func(ctx context.Context, attempt *s2mock.Attempt) error {
		customer := func(name string) s2mock.ActorFunction {
			return func(ctx context.Context, actor *s2mock.Actor) error { return program(ctx, &actor.Client, name) }
		}
		err := attempt.Actors(ctx, map[string]s2mock.ActorFunction{"a": customer("ada"), "b": customer("bob")})
		if err != nil {
			return err
		}
		found, err := read(ctx, ordersOf(&attempt.Client))
		if len(found) != 1 {
			attempt.Errorf("the seat was sold %d times", len(found))
		}
		return err
	}
}

func TestOrdersFindASeatThatIsSoldTwice(t *testing.T) {
	mock := open(t, shop)
	report, err := mock.Orders(ctx, s2mock.OrdersPlan{Actors: []string{"a", "b"}}, race(take))
	found := failed(t, report, err)
	contains(t, found.Text, "the seat was sold 2 times",
		"2 of 4 orders fail; the shortest: a check-tail, b check-tail, b append, a append")
}

func TestOrdersOfACarefulProgram(t *testing.T) {
	t.Parallel()
	plan := s2mock.OrdersPlan{Actors: []string{"a", "b"}, Options: &shop, Settle: 2 * time.Second}
	equal(t, ok(s2mock.Start(t).Orders(ctx, plan, race(takeIfFree)))(t).Attempts, 2)
}

func TestActorThatFailsOrThatThereIsNot(t *testing.T) {
	mock := open(t, shop)
	plan := s2mock.OrdersPlan{Actors: []string{"a"}}
	dies := func(context.Context, *s2mock.Actor) error { panic("no money") }
	report, err := mock.Orders(ctx, plan, func(ctx context.Context, attempt *s2mock.Attempt) error {
		return attempt.Actors(ctx, map[string]s2mock.ActorFunction{"a": dies})
	})
	contains(t, failed(t, report, err).Text, "panic: no money at ", "powers_test.go:")
	report, err = mock.Orders(ctx, plan, func(ctx context.Context, attempt *s2mock.Attempt) error {
		return attempt.Actors(ctx, map[string]s2mock.ActorFunction{"a": nothing, "c": nothing})
	})
	contains(t, failed(t, report, err).Text, `this attempt has no actor "c": there are a`)
}

func nothing(context.Context, *s2mock.Actor) error { return nil }

func TestCrashesOfACarefulProgram(t *testing.T) {
	mock := open(t, shop)
	var titles []string
	ok(mock.Crashes(ctx, s2mock.CrashPlan{On: s2mock.OpAppend}, func(ctx context.Context, attempt *s2mock.Attempt) error {
		titles = append(titles, attempt.Title)
		isStopped, err := attempt.Run(ctx, func(ctx context.Context, worker *s2mock.Actor) error {
			return shipOnce(ctx, &worker.Client, "tea", "cake")
		})
		if isStopped {
			err = shipOnce(ctx, &attempt.Client, "tea", "cake")
		}
		if err != nil {
			return err
		}
		return shipped(ctx, attempt)
	}))(t)
	equal(t, len(titles), 5)
	contains(t, strings.Join(titles, "\n"), "a crash before append 2")
}

func TestAttemptFailsAsATestingObject(t *testing.T) {
	mock := open(t, shop)
	plan := s2mock.SweepPlan{Faults: []s2mock.Fault{s2mock.Drop{}}, On: s2mock.OpAppend}
	report, err := mock.Sweep(ctx, plan, func(ctx context.Context, attempt *s2mock.Attempt) error {
		attempt.Fatalf("it is %d", attempt.Number)
		return nil
	})
	contains(t, failed(t, report, err).Text, "it is 1")
	report, err = mock.Sweep(ctx, plan, func(context.Context, *s2mock.Attempt) error { panic("oh") })
	contains(t, failed(t, report, err).Text, "panic: oh at ")
}

func TestServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	_, err := s2mock.StartServer(ctx, s2mock.ServerOptions{URL: "http://127.0.0.1:1"})
	if err == nil {
		t.Fatal("there is one")
	}
	contains(t, err.Error(), "there is no s2mock at S2MOCK_URL=http://127.0.0.1:1: ", "unset S2MOCK_URL")
}
