package orders

import (
	"reflect"
	"testing"
)

var shop = []M{{"name": "shop-basin", "streams": []M{{"name": "orders"}}}}

func open(t *testing.T, stream string) (*S2Mock, Orders) {
	t.Helper()
	t.Parallel()
	s2 := NewS2Mock(t, M{"basins": shop, "clock": "manual"})
	return s2, Orders{s2.URL, s2.Token, "shop-basin", stream}
}

func place(t *testing.T, orders Orders, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := orders.Place(name); err != nil {
			t.Fatal(err)
		}
	}
}

func expect(t *testing.T, orders Orders, want ...string) {
	t.Helper()
	if all, err := orders.All(); err != nil || !reflect.DeepEqual(all, want) {
		t.Fatalf("there are %q (%v), and not %q", all, err, want)
	}
}

func TestAnOrderWhoseAnswerIsLostIsPlacedOnce(t *testing.T) {
	for _, fault := range []M{
		{"Drop": M{"committed": true}},
		{"Fail": M{"code": "unavailable", "committed": true}},
		{"Fail": M{"code": "unavailable"}},
	} {
		s2 := NewS2Mock(t, M{"basins": shop})
		orders := Orders{s2.URL, s2.Token, "shop-basin", "orders"}
		s2.Call("POST", "/faults", M{"fault": fault, "on": "append"}, nil)
		place(t, orders, "a book")
		expect(t, orders, "a book")
	}
}

func TestTwoTestsAtATimeDoNotMeet(t *testing.T) {
	_, orders := open(t, "orders")
	place(t, orders, "a pen", "a pencil")
	expect(t, orders, "a pen", "a pencil")
}

func TestWhatWasAsked(t *testing.T) {
	s2, orders := open(t, "orders")
	place(t, orders, "a book")
	var journal struct{ Exchanges []Exchange }
	s2.Call("GET", "/journal?operation=append&wait=5", nil, &journal)
	exchange := journal.Exchanges[0]
	if exchange.Response.Status != 200 || !exchange.Effect.Committed {
		t.Fatalf("%+v", exchange)
	}
	if exchange.Request.Document["match_seq_num"] != 0.0 {
		t.Fatalf("it was placed without a condition: %v", exchange.Request.Document)
	}
}

func TestAnOrderThatIsHeldIsNotThereYet(t *testing.T) {
	s2, orders := open(t, "orders")
	s2.Call("POST", "/holds", M{"on": "append", "at": "commit"}, nil)
	placed := make(chan error)
	go func() { placed <- orders.Place("a book") }()
	s2.Call("GET", "/holds/1?wait=5", nil, nil)
	expect(t, orders)
	s2.Call("POST", "/holds/1/release", nil, nil)
	if err := <-placed; err != nil {
		t.Fatal(err)
	}
	expect(t, orders, "a book")
}

func TestOrdersAreKeptForAWeekWhichPassesAtOnce(t *testing.T) {
	week := M{"name": "of-a-week", "config": M{"retention_policy": "7days"}}
	basins := []M{{"name": "shop-basin", "streams": []M{week}}}
	s2 := NewS2Mock(t, M{"basins": basins, "clock": "manual"})
	orders := Orders{s2.URL, s2.Token, "shop-basin", "of-a-week"}
	place(t, orders, "a book")
	s2.Call("POST", "/clock/advance", M{"seconds": 8 * 24 * 3600}, nil)
	place(t, orders, "a pen")
	expect(t, orders, "a pen")
}
