package orders

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/s2-streamstore/s2-sdk-go/s2"

	"github.com/s2mock/s2mock/clients/go/s2mock"
)

var (
	ctx  = context.Background()
	shop = s2mock.AccountOptions{
		Basins: []s2mock.Basin{{Name: "shop-basin", Streams: s2mock.Streams("orders")}},
		Clock:  s2mock.ClockManual,
	}
)

// connect makes a client of the SDK for an account, an actor or a token.
func connect(client *s2mock.Client) *s2.Client {
	return s2.New(client.Token, &s2.ClientOptions{
		BaseURL:          client.BaseURL(),
		MakeBasinBaseURL: client.BasinBaseURL,
		RetryConfig:      &s2.RetryConfig{MaxAttempts: 3, MinBaseDelay: 1, MaxBaseDelay: 1},
	})
}

// ordersOf is what is tested, on the SDK's client.
func ordersOf(client *s2mock.Client) Orders {
	return Orders{connect(client).Basin("shop-basin").Stream("orders")}
}

// open makes an account for a test, which runs in parallel to the others.
func open(t *testing.T) (*s2mock.Account, Orders) {
	t.Helper()
	t.Parallel()
	mock := s2mock.New(t, shop)
	return mock, ordersOf(&mock.Client)
}

func place(t *testing.T, orders Orders, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := orders.Place(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
}

func expect(t *testing.T, orders Orders, want ...string) {
	t.Helper()
	if all, err := orders.All(ctx); err != nil || !slices.Equal(all, want) {
		t.Fatalf("there are %q (%v), and not %q", all, err, want)
	}
}

func TestAnOrderWhoseAnswerIsLostIsPlacedOnce(t *testing.T) {
	for _, fault := range []s2mock.Fault{
		s2mock.Drop{Committed: true},
		s2mock.Fail{Code: s2mock.CodeUnavailable, Committed: true},
		s2mock.Fail{Code: s2mock.CodeUnavailable},
	} {
		mock := s2mock.New(t, shop)
		orders := ordersOf(&mock.Client)
		if _, err := mock.Inject(ctx, fault, s2mock.OpAppend); err != nil {
			t.Fatal(err)
		}
		place(t, orders, "a book")
		expect(t, orders, "a book")
	}
}

func TestTwoTestsAtATimeDoNotMeet(t *testing.T) {
	_, orders := open(t)
	place(t, orders, "a pen", "a pencil")
	expect(t, orders, "a pen", "a pencil")
}

func TestWhatWasAsked(t *testing.T) {
	mock, orders := open(t)
	place(t, orders, "a book")
	exchanges, err := mock.Journal.Of(ctx, s2mock.Filter{Operation: s2mock.OpAppend})
	if err != nil {
		t.Fatal(err)
	}
	if exchanges[0].Response.Status != 200 || !exchanges[0].Effect.Committed {
		t.Fatalf("%+v", exchanges[0])
	}
	var sent struct {
		MatchSeqNum *int `json:"match_seq_num"`
	}
	if err := exchanges[0].Request.Decode(&sent); err != nil || sent.MatchSeqNum == nil {
		t.Fatalf("it was placed without a condition: %s", exchanges[0].Request.Document)
	}
}

func TestAnOrderThatIsHeldIsNotThereYet(t *testing.T) {
	mock, orders := open(t)
	held, err := mock.Hold(ctx, s2mock.OpAppend, s2mock.At(s2mock.AtCommit))
	if err != nil {
		t.Fatal(err)
	}
	placed := make(chan error)
	go func() { placed <- orders.Place(ctx, "a book") }()
	if _, err := held.Wait(ctx, 1); err != nil {
		t.Fatal(err)
	}
	expect(t, orders)
	if err := held.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-placed; err != nil {
		t.Fatal(err)
	}
	expect(t, orders, "a book")
}

func TestOrdersAreKeptForAWeekWhichPassesAtOnce(t *testing.T) {
	week := s2mock.StreamConfig{Retention: s2mock.RetainFor(7 * 24 * time.Hour)}
	mock := s2mock.New(t, s2mock.AccountOptions{
		Basins: []s2mock.Basin{{Name: "shop-basin", Streams: []s2mock.Stream{{Name: "orders", Config: week}}}},
		Clock:  s2mock.ClockManual,
	})
	orders := ordersOf(&mock.Client)
	place(t, orders, "a book")
	if err := mock.Advance(ctx, 8*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	place(t, orders, "a pen")
	expect(t, orders, "a pen")
}
