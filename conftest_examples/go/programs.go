package orders

import (
	"context"
	"net/http"

	"github.com/s2-streamstore/s2-sdk-go/s2"
)

// These are two programs with a bug each, and each repaired: programs_test.go finds the bugs.

// Take takes the one seat. The bug: another customer may append between the look and the append.
func (o Orders) Take(ctx context.Context, name string) error {
	at, err := o.Stream.CheckTail(ctx)
	if err != nil || at.Tail.SeqNum > 0 {
		return err
	}
	return o.append(ctx, name, nil)
}

// TakeIfFree is Take, repaired.
func (o Orders) TakeIfFree(ctx context.Context, name string) error {
	at, err := o.Stream.CheckTail(ctx)
	if err != nil || at.Tail.SeqNum > 0 {
		return err
	}
	return o.append(ctx, name, s2.Uint64(0))
}

// Ship ships each item once. The bug: it begins again at the first one after a crash, and the SDK's
// second try after a lost answer ships an item twice.
func (o Orders) Ship(ctx context.Context, items ...string) error {
	for _, item := range items {
		if err := o.append(ctx, item, nil); err != nil {
			return err
		}
	}
	return nil
}

// ShipOnce is Ship, repaired.
func (o Orders) ShipOnce(ctx context.Context, items ...string) error {
	for {
		at, err := o.Stream.CheckTail(ctx)
		if err != nil || at.Tail.SeqNum >= uint64(len(items)) {
			return err
		}
		if err := o.append(ctx, items[at.Tail.SeqNum], &at.Tail.SeqNum); err != nil {
			return err
		}
	}
}

// append appends at a position, if there is one: if another record is there, it does nothing.
func (o Orders) append(ctx context.Context, body string, at *uint64) error {
	input := &s2.AppendInput{Records: []s2.AppendRecord{{Body: []byte(body)}}, MatchSeqNum: at}
	_, err := o.Stream.Append(ctx, input)
	if at != nil && status(err) == http.StatusPreconditionFailed {
		return nil
	}
	return err
}
