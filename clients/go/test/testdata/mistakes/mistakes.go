// Package mistakes has a mistake in each line that is marked, and none of them compiles.
package mistakes

import (
	"context"

	"github.com/s2mock/s2mock/clients/go/s2mock"
)

// Mistakes has a line for each mistake.
func Mistakes(ctx context.Context, mock *s2mock.Account, held *s2mock.Hold) {
	_ = s2mock.AccountOptions{Basin: nil}                                                             // an option that there is not
	_ = s2mock.AccountOptions{Clock: "manual"}                                                        // a clock as text
	_ = s2mock.AccountOptions{Clock: s2mock.ClockManaul}                                              // a clock that there is not
	_ = s2mock.AccountOptions{Auth: "requierd"}                                                       // a choice as text
	_ = s2mock.AccountOptions{Limits: s2mock.Limits{Batches: 1}}                                      // a limit that there is not
	_ = s2mock.AccountOptions{Basins: []s2mock.Basin{{Streams: []string{"orders"}}}}                  // names for streams
	_ = s2mock.Basin{Config: s2mock.BasinConfig{CreateOnAppend: true}}                                // a configuration that there is not
	_ = s2mock.StreamConfig{Retention: "7days"}                                                       // a retention as text
	_, _ = mock.Inject(ctx, s2mock.Dorp{}, s2mock.OpAppend)                                           // a fault that there is not
	_, _ = mock.Inject(ctx, s2mock.Drop{Comitted: true}, s2mock.OpAppend)                             // an argument that there is not
	_, _ = mock.Inject(ctx, s2mock.Fail{Code: "unavailible"}, s2mock.OpAppend)                        // an error code as text
	_, _ = mock.Inject(ctx, s2mock.Fail{Code: s2mock.CodeUnavailible}, s2mock.OpAppend)               // an error code that there is not
	_, _ = mock.Inject(ctx, s2mock.Each{nil, s2mock.Fail{Code: "unavailible"}}, s2mock.OpAppend)      // the same in a list
	_, _ = mock.Inject(ctx, s2mock.Cut{Connection: "rest"}, s2mock.OpAppend)                          // an end of a connection as text
	_, _ = mock.Inject(ctx, s2mock.Drop{}, "appends")                                                 // an operation as text
	_, _ = mock.Inject(ctx, s2mock.Drop{}, s2mock.OpAppends)                                          // an operation that there is not
	_, _ = mock.Inject(ctx, s2mock.Drop{})                                                            // no operation
	_, _ = mock.Inject(ctx, s2mock.Drop{}, s2mock.OpAppend, s2mock.At(s2mock.AtCommit))               // an option of holds
	_, _ = mock.Hold(ctx, s2mock.OpAppend, s2mock.At("comit"))                                        // a point as text
	_, _ = mock.Hold(ctx, s2mock.OpAppend, s2mock.Tims(2))                                            // an option that there is not
	_, _ = mock.On(ctx, s2mock.OpAppend, func(context.Context, s2mock.Exchange) error { return nil }) // a function without a fault
	_, _ = mock.On(ctx, s2mock.OpAppend, nil, s2mock.Optional)                                        // an option of holds
	_ = held.ReleaseWith(ctx, s2mock.Each{})                                                          // a list of faults
	_, _ = mock.Journal.Of(ctx, s2mock.Filter{Straem: "orders"})                                      // a filter that there is not
	_ = s2mock.Exchange{}.Response.State                                                              // a member that there is not
	_ = s2mock.Exchange{}.Protocol == "h2x"                                                           // a protocol as text
	_, _ = mock.Sweep(ctx, s2mock.SweepPlan{MaxRuns: 3}, nil)                                         // a member of another campaign
	_, _ = mock.Orders(ctx, s2mock.OrdersPlan{Actors: "a"}, nil)                                      // one actor for several
	_, _ = mock.IssueToken(ctx, "a", s2mock.TokenOptions{Scope: s2mock.TokenScope{Streams: "a"}})     // a name as text
	_ = mock.Advance(ctx, "60s")                                                                      // a duration as text
}
