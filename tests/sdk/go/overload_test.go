package sdk

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2-streamstore/s2-sdk-go/s2"
)

const workers = 20

// Twice as many unary appends as the limits allow; a record that was refused is sent again.
func TestOverload(t *testing.T) {
	ctx := within(t)
	total, err := strconv.ParseInt(os.Getenv("APPENDS"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	retries := *s2.DefaultRetryConfig
	retries.MinBaseDelay, retries.MaxBaseDelay = time.Millisecond, time.Millisecond
	stream := connect(retries).Stream("logs")
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for number := next.Add(1) - 1; number < total; number = next.Add(1) - 1 {
				if err := accepted(ctx, stream, strconv.FormatInt(number, 10)); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	wait.Wait()
	at, err := stream.CheckTail(ctx)
	if err != nil || at.Tail.SeqNum != uint64(total) {
		t.Fatalf("%+v %v", at, err)
	}
}

func accepted(ctx context.Context, stream *s2.StreamClient, body string) error {
	input := s2.AppendInput{Records: []s2.AppendRecord{{Body: []byte(body)}}}
	for {
		_, err := stream.Append(ctx, &input)
		var refused *s2.S2Error
		if err == nil || !errors.As(err, &refused) || refused.Code != "rate_limited" {
			return err
		}
	}
}
