// Makes one call by the SDK, and prints its result as JSON; see tests/sdk/scenario.py.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/s2-streamstore/s2-sdk-go/s2"
)

type result struct {
	Error  string   `json:"error"`
	Bodies []string `json:"bodies"`
}

func batch(number int) *s2.AppendInput {
	return &s2.AppendInput{Records: []s2.AppendRecord{{Body: []byte(fmt.Sprintf("batch-%d", number))}}}
}

func pause(number int) {
	if number != 1 || len(os.Args) < 5 {
		return
	}
	fmt.Println(`{"paused": true}`)
	bufio.NewReader(os.Stdin).ReadString('\n')
}

func unary(ctx context.Context, stream *s2.StreamClient) error {
	for number := range 3 {
		pause(number)
		if _, err := stream.Append(ctx, batch(number)); err != nil {
			return err
		}
	}
	return nil
}

func session(ctx context.Context, stream *s2.StreamClient) error {
	opened, err := stream.AppendSession(ctx, nil)
	if err != nil {
		return err
	}
	defer opened.Close()
	for number := range 3 {
		pause(number)
		future, err := opened.Submit(batch(number))
		if err != nil {
			return err
		}
		ticket, err := future.Wait(ctx)
		if err != nil {
			return err
		}
		if _, err := ticket.Ack(ctx); err != nil {
			return err
		}
	}
	return nil
}

func read(ctx context.Context, stream *s2.StreamClient, bodies *[]string) error {
	opened, err := stream.ReadSession(ctx, &s2.ReadOptions{SeqNum: s2.Uint64(0)})
	if err != nil {
		return err
	}
	defer opened.Close()
	for len(*bodies) < 10 && opened.Next() {
		*bodies = append(*bodies, string(opened.Record().Body))
	}
	if len(*bodies) >= 10 {
		return nil
	}
	return opened.Err()
}

func main() {
	seconds, err := strconv.ParseFloat(os.Args[2], 64)
	if err != nil {
		panic(err)
	}
	attempts, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	options := s2.ClientOptions{
		RequestTimeout: time.Duration(seconds * float64(time.Second)),
		RetryConfig: &s2.RetryConfig{
			MaxAttempts: attempts, MinBaseDelay: 10 * time.Millisecond, MaxBaseDelay: 100 * time.Millisecond,
		},
	}
	stream := s2.NewFromEnvironment(&options).Basin("my-basin").Stream("logs")
	ctx := context.Background()
	made := result{Bodies: []string{}}
	switch os.Args[1] {
	case "append":
		err = unary(ctx, stream)
	case "session":
		err = session(ctx, stream)
	default:
		err = read(ctx, stream, &made.Bodies)
	}
	if err != nil {
		made.Error = fmt.Sprintf("%T: %v", err, err)
	}
	json.NewEncoder(os.Stdout).Encode(made)
}
