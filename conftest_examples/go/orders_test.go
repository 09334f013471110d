package orders

import (
	"context"
	"reflect"
	"testing"

	"github.com/s2-streamstore/s2-sdk-go/s2"
)

var shop = []M{{"name": "shop-basin", "streams": []M{{"name": "orders"}}}}

// ordersOf is what is tested, on the SDK's client, which is led to the account.
func ordersOf(mock *S2Mock, stream string) Orders {
	endpoint := mock.URL + "/v1"
	client := s2.New(mock.Token, &s2.ClientOptions{
		BaseURL:          endpoint,
		MakeBasinBaseURL: func(string) string { return endpoint },
	})
	return Orders{client.Basin("shop-basin").Stream(s2.StreamName(stream))}
}

func open(t *testing.T) (*S2Mock, Orders) {
	t.Helper()
	t.Parallel()
	mock := NewS2Mock(t, M{"basins": shop, "clock": "manual"})
	return mock, ordersOf(mock, "orders")
}

func place(t *testing.T, orders Orders, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := orders.Place(context.Background(), name); err != nil {
			t.Fatal(err)
		}
	}
}

func expect(t *testing.T, orders Orders, want ...string) {
	t.Helper()
	if all, err := orders.All(context.Background()); err != nil || !reflect.DeepEqual(all, want) {
		t.Fatalf("there are %q (%v), and not %q", all, err, want)
	}
}

func TestAnOrderWhoseAnswerIsLostIsPlacedOnce(t *testing.T) {
	for _, fault := range []M{
		{"Drop": M{"committed": true}},
		{"Fail": M{"code": "unavailable", "committed": true}},
		{"Fail": M{"code": "unavailable"}},
	} {
		mock := NewS2Mock(t, M{"basins": shop})
		orders := ordersOf(mock, "orders")
		mock.Call("POST", "/faults", M{"fault": fault, "on": "append"}, nil)
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
	var journal struct{ Exchanges []Exchange }
	mock.Call("GET", "/journal?operation=append&wait=5", nil, &journal)
	exchange := journal.Exchanges[0]
	if exchange.Response.Status != 200 || !exchange.Effect.Committed {
		t.Fatalf("%+v", exchange)
	}
	if exchange.Request.Document["match_seq_num"] != 0.0 {
		t.Fatalf("it was placed without a condition: %v", exchange.Request.Document)
	}
}

func TestAnOrderThatIsHeldIsNotThereYet(t *testing.T) {
	mock, orders := open(t)
	mock.Call("POST", "/holds", M{"on": "append", "at": "commit"}, nil)
	placed := make(chan error)
	go func() { placed <- orders.Place(context.Background(), "a book") }()
	mock.Call("GET", "/holds/1?wait=5", nil, nil)
	expect(t, orders)
	mock.Call("POST", "/holds/1/release", nil, nil)
	if err := <-placed; err != nil {
		t.Fatal(err)
	}
	expect(t, orders, "a book")
}

func TestOrdersAreKeptForAWeekWhichPassesAtOnce(t *testing.T) {
	week := M{"name": "of-a-week", "config": M{"retention_policy": "7days"}}
	basins := []M{{"name": "shop-basin", "streams": []M{week}}}
	mock := NewS2Mock(t, M{"basins": basins, "clock": "manual"})
	orders := ordersOf(mock, "of-a-week")
	place(t, orders, "a book")
	mock.Call("POST", "/clock/advance", M{"seconds": 8 * 24 * 3600}, nil)
	place(t, orders, "a pen")
	expect(t, orders, "a pen")
}
