package orders

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/s2mock/s2mock/clients/go/s2mock"
)

var (
	lost  = s2mock.Fail{Code: s2mock.CodeUnavailable, Committed: true}
	sales = s2mock.OrdersPlan{Actors: []string{"a", "b"}, Options: &shop}
	sweep = s2mock.SweepPlan{Faults: []s2mock.Fault{lost, s2mock.Drop{}}, On: s2mock.OpAppend, Options: &shop}
	crash = s2mock.CrashPlan{On: s2mock.OpAppend, Options: &shop}
)

func twoCustomers(ctx context.Context, a *s2mock.Attempt) error { return race(ctx, a, Orders.Take) }
func twoCarefulCustomers(ctx context.Context, a *s2mock.Attempt) error {
	return race(ctx, a, Orders.TakeIfFree)
}
func oneShipment(ctx context.Context, a *s2mock.Attempt) error { return shipment(ctx, a, Orders.Ship) }
func oneCarefulShipment(ctx context.Context, a *s2mock.Attempt) error {
	return shipment(ctx, a, Orders.ShipOnce)
}
func twoStarts(ctx context.Context, a *s2mock.Attempt) error {
	return shipmentAgain(ctx, a, Orders.Ship)
}
func twoCarefulStarts(ctx context.Context, a *s2mock.Attempt) error {
	return shipmentAgain(ctx, a, Orders.ShipOnce)
}

// race is a race of two customers for one seat.
func race(ctx context.Context, a *s2mock.Attempt, take func(Orders, context.Context, string) error) error {
	customer := func(name string) s2mock.ActorFunction {
		return func(ctx context.Context, actor *s2mock.Actor) error {
			return take(ordersOf(&actor.Client), ctx, name)
		}
	}
	err := a.Actors(ctx, map[string]s2mock.ActorFunction{"a": customer("ada"), "b": customer("bob")})
	if err != nil {
		return err
	}
	all, err := ordersOf(&a.Client).All(ctx)
	if err == nil && len(all) != 1 {
		return fmt.Errorf("the seat was sold %d times", len(all))
	}
	return err
}

type shipper func(Orders, context.Context, ...string) error

// shipment is that of two items.
func shipment(ctx context.Context, a *s2mock.Attempt, ship shipper) error {
	orders := ordersOf(&a.Client)
	if err := ship(orders, ctx, "tea", "cake"); err != nil {
		return err
	}
	return shipped(ctx, orders)
}

// shipmentAgain is the same, and once more if its process has crashed.
func shipmentAgain(ctx context.Context, a *s2mock.Attempt, ship shipper) error {
	isStopped, err := a.Run(ctx, func(ctx context.Context, worker *s2mock.Actor) error {
		return ship(ordersOf(&worker.Client), ctx, "tea", "cake")
	})
	if err != nil {
		return err
	}
	if isStopped {
		return shipment(ctx, a, ship)
	}
	return shipped(ctx, ordersOf(&a.Client))
}

func shipped(ctx context.Context, orders Orders) error {
	all, err := orders.All(ctx)
	if err == nil && !slices.Equal(all, []string{"tea", "cake"}) {
		return fmt.Errorf("shipped: %q", all)
	}
	return err
}

// isFound fails the test if a campaign has not failed with a text in its report.
func isFound(t *testing.T, _ *s2mock.CampaignReport, err error, text string) {
	t.Helper()
	var failed *s2mock.CampaignError
	if !errors.As(err, &failed) || !strings.Contains(failed.Text, text) {
		t.Fatalf("%q is not in: %v", text, err)
	}
}

func TestSeatIsSoldTwiceInTwoOfFourOrders(t *testing.T) {
	t.Parallel()
	report, err := s2mock.Start(t).Orders(ctx, sales, twoCustomers)
	isFound(t, report, err, "2 of 4 orders fail; the shortest: a check-tail, b check-tail, b append, a append")
}

func TestSeatIsSoldOnceInEveryOrder(t *testing.T) {
	t.Parallel()
	if report, err := s2mock.Start(t).Orders(ctx, sales, twoCarefulCustomers); err != nil || report.Attempts != 4 {
		t.Fatal(report, err)
	}
}

func TestItemIsShippedTwiceIfAnAnswerIsLost(t *testing.T) {
	t.Parallel()
	report, err := s2mock.Start(t).Sweep(ctx, sweep, oneShipment)
	isFound(t, report, err, `"unavailable", "committed": true}} at append 1 of 2: `)
}

func TestItemIsShippedOnceWithEveryFault(t *testing.T) {
	t.Parallel()
	if _, err := s2mock.Start(t).Sweep(ctx, sweep, oneCarefulShipment); err != nil {
		t.Fatal(err)
	}
}

func TestItemIsShippedTwiceAfterACrash(t *testing.T) {
	t.Parallel()
	report, err := s2mock.Start(t).Crashes(ctx, crash, twoStarts)
	isFound(t, report, err, "a crash after append 1 of 2: ")
}

func TestItemIsShippedOnceWithEveryCrash(t *testing.T) {
	t.Parallel()
	if _, err := s2mock.Start(t).Crashes(ctx, crash, twoCarefulStarts); err != nil {
		t.Fatal(err)
	}
}
