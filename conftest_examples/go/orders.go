// Package orders keeps orders in a stream, each once.
package orders

import (
	"context"
	"errors"
	"net/http"

	"github.com/s2-streamstore/s2-sdk-go/s2"
)

// Orders is a stream of orders.
type Orders struct{ Stream *s2.StreamClient }

// Place puts an order at the end. The SDK tries again where no answer says what has become of it;
// the condition lets no second try place it twice.
func (o Orders) Place(ctx context.Context, order string) error {
	at, err := o.Stream.CheckTail(ctx)
	if err != nil {
		return err
	}
	_, err = o.Stream.Append(ctx, &s2.AppendInput{
		Records:     []s2.AppendRecord{{Body: []byte(order)}},
		MatchSeqNum: &at.Tail.SeqNum,
	})
	if status(err) == http.StatusPreconditionFailed {
		// It may be ours, with its answer lost.
		all, failed := o.All(ctx)
		if failed == nil && at.Tail.SeqNum < uint64(len(all)) && all[at.Tail.SeqNum] == order {
			return nil
		}
	}
	return err
}

// All returns all orders.
func (o Orders) All(ctx context.Context) ([]string, error) {
	found, err := o.Stream.Read(ctx, &s2.ReadOptions{SeqNum: s2.Uint64(0), Clamp: s2.Bool(true)})
	if status(err) == http.StatusRequestedRangeNotSatisfiable {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var all []string
	for _, one := range found.Records {
		all = append(all, string(one.Body))
	}
	return all, nil
}

// status is that of the answer which is an error, and 0 where there is none.
func status(err error) int {
	var refusal *s2.S2Error
	if errors.As(err, &refusal) {
		return refusal.Status
	}
	return 0
}
