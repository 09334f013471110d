package orders

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

var (
	inShop = M{"basins": shop}
	lost   = M{"Fail": M{"code": "unavailable", "committed": true}}
	sales  = M{"kind": "orders", "actors": []string{"a", "b"}, "options": inShop}
	sweep  = M{"kind": "sweep", "faults": []M{lost, {"Drop": M{}}}, "on": "append", "options": inShop}
	crash  = M{"kind": "crash", "on": "append", "options": inShop}
)

func twoCustomers(a *Attempt) error        { return race(a, Orders.Take) }
func twoCarefulCustomers(a *Attempt) error { return race(a, Orders.TakeIfFree) }
func oneShipment(a *Attempt) error         { return shipment(a, Orders.Ship) }
func oneCarefulShipment(a *Attempt) error  { return shipment(a, Orders.ShipOnce) }
func twoStarts(a *Attempt) error           { return shipmentAgain(a, Orders.Ship) }
func twoCarefulStarts(a *Attempt) error    { return shipmentAgain(a, Orders.ShipOnce) }

// race is a race of two customers for one seat.
func race(a *Attempt, take func(Orders, context.Context, string) error) error {
	customer := func(name string) Actor {
		return func(ctx context.Context, mock *S2Mock) error {
			return take(ordersOf(mock, "orders"), ctx, name)
		}
	}
	if err := a.Actors(map[string]Actor{"a": customer("ada"), "b": customer("bob")}); err != nil {
		return err
	}
	all, err := ordersOf(a.S2Mock, "orders").All(context.Background())
	if err == nil && len(all) != 1 {
		return fmt.Errorf("the seat was sold %d times", len(all))
	}
	return err
}

type shipper func(Orders, context.Context, ...string) error

// shipment is that of two items.
func shipment(a *Attempt, ship shipper) error {
	orders, ctx := ordersOf(a.S2Mock, "orders"), context.Background()
	if err := ship(orders, ctx, "tea", "cake"); err != nil {
		return err
	}
	return shipped(orders)
}

// shipmentAgain is the same, and once more if its process has crashed.
func shipmentAgain(a *Attempt, ship shipper) error {
	stopped, err := a.Run(func(ctx context.Context, mock *S2Mock) error {
		return ship(ordersOf(mock, "orders"), ctx, "tea", "cake")
	})
	if stopped {
		return shipment(a, ship)
	} else if err != nil {
		return err
	}
	return shipped(ordersOf(a.S2Mock, "orders"))
}

func shipped(orders Orders) error {
	all, err := orders.All(context.Background())
	if err == nil && !reflect.DeepEqual(all, []string{"tea", "cake"}) {
		return fmt.Errorf("shipped: %q", all)
	}
	return err
}

func TestBugsAreFound(t *testing.T) {
	for scenario, one := range map[string]struct {
		plan     M
		run      Scenario
		shortest string
	}{
		"twoCustomers": {sales, twoCustomers, "2 of 4 orders fail; the shortest: " +
			"a check-tail, b check-tail, b append, a append"},
		"oneShipment": {sweep, oneShipment, `"unavailable", "committed": true}} at append 1 of 2: `},
		"twoStarts":   {crash, twoStarts, "a crash after append 1 of 2: "},
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			if _, report := Explore(t, one.plan, one.run); !strings.Contains(report, one.shortest) {
				t.Fatal("the report is another: " + report)
			}
		})
	}
}

func TestSeatIsSoldOnceInEveryOrder(t *testing.T) {
	t.Parallel()
	if attempts, report := Explore(t, sales, twoCarefulCustomers); attempts != 4 || report != "" {
		t.Fatal(attempts, report)
	}
}

func TestItemIsShippedOnceWithEveryFault(t *testing.T) {
	t.Parallel()
	RunCampaign(t, sweep, oneCarefulShipment)
}

func TestItemIsShippedOnceWithEveryCrash(t *testing.T) {
	t.Parallel()
	RunCampaign(t, crash, twoCarefulStarts)
}
