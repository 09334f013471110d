package s2mock

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Injection is a fault that was injected.
type Injection struct {
	// Number is by which the server knows it.
	Number  int
	control *control
}

// State returns the state of the fault now.
func (i *Injection) State(ctx context.Context) (*InjectedFault, error) {
	found, err := call[InjectedFault](ctx, i.control, routes.getFault, request{path: []any{i.Number}})
	return &found, err
}

// Hits returns the number of operations that the fault has affected.
func (i *Injection) Hits(ctx context.Context) (int, error) {
	state, err := i.State(ctx)
	return state.Hits, err
}

// Wait waits until the fault has affected a number of operations, and returns them. It ends with
// [ErrTimeout] at the deadline of the context, or after 5 seconds.
func (i *Injection) Wait(ctx context.Context, hits int) ([]Exchange, error) {
	ctx, query, cancel := waiting(ctx, url.Values{"hits": {strconv.Itoa(hits)}})
	defer cancel()
	found, err := call[InjectedFault](ctx, i.control, routes.getFault, request{path: []any{i.Number}, query: query})
	return found.Exchanges, err
}

// Remove lets the fault affect no more operations; it is no mistake any more if it was not used up.
// Removing twice is harmless.
func (i *Injection) Remove(ctx context.Context) error {
	err := i.control.do(ctx, routes.removeFault, request{path: []any{i.Number}})
	if hasStatus(err, 404) {
		return nil
	}
	return err
}

// Hold is a point at which operations wait.
type Hold struct {
	// Number is by which the server knows it.
	Number  int
	control *control
}

// State returns the state of the hold now.
func (h *Hold) State(ctx context.Context) (*HoldState, error) {
	found, err := call[HoldState](ctx, h.control, routes.getHold, request{path: []any{h.Number}})
	return &found, err
}

// Wait waits until the hold has a number of operations, and returns them. It ends with [ErrTimeout] at the
// deadline of the context, or after 5 seconds.
func (h *Hold) Wait(ctx context.Context, count int) ([]Exchange, error) {
	state, err := h.wait(ctx, count)
	return state.Exchanges, err
}

func (h *Hold) wait(ctx context.Context, count int) (HoldState, error) {
	ctx, query, cancel := waiting(ctx, url.Values{"count": {strconv.Itoa(count)}})
	defer cancel()
	return call[HoldState](ctx, h.control, routes.getHold, request{path: []any{h.Number}, query: query})
}

// Release lets all operations go on, and holds no others.
func (h *Hold) Release(ctx context.Context) error { return h.release(ctx, releaseOptions{}) }

// ReleaseWith lets all operations go on with a fault, and holds no others.
func (h *Hold) ReleaseWith(ctx context.Context, fault Fault) error {
	return h.release(ctx, releaseOptions{Fault: fault})
}

// ReleaseOne lets one operation go on, with a fault if it is not nil.
func (h *Hold) ReleaseOne(ctx context.Context, exchange Exchange, fault Fault) error {
	if exchange.Held == nil {
		return fmt.Errorf("exchange %d was not held: take one that Wait has returned", exchange.Number)
	}
	return h.release(ctx, releaseOptions{exchange.Held, fault})
}

func (h *Hold) release(ctx context.Context, options releaseOptions) error {
	return h.control.do(ctx, routes.release, request{path: []any{h.Number}, body: options})
}

// HookFunction is called for an operation; it returns the fault for it, or nil.
type HookFunction func(ctx context.Context, exchange Exchange) (Fault, error)

// The time after which a hook asks the server again.
const hookWait = time.Minute

// Hook calls a function for operations, which wait until it has returned.
type Hook struct {
	// On are the operations that it is for.
	On Operations

	hold      *Hold
	call      HookFunction
	ctx       context.Context
	cancel    context.CancelFunc
	calls     sync.WaitGroup
	isDone    chan struct{}
	lock      sync.Mutex
	isRemoved bool
	exchanges []Exchange
	errors    []error
}

func startHook(ctx context.Context, hold *Hold, on Operations, call HookFunction) *Hook {
	hook := &Hook{On: on, hold: hold, call: call, isDone: make(chan struct{})}
	// It lives as long as the account, and no longer than [Hook.Remove].
	hook.ctx, hook.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go hook.watch()
	return hook
}

// Exchanges returns the operations that the function was called for.
func (h *Hook) Exchanges() []Exchange {
	h.lock.Lock()
	defer h.lock.Unlock()
	return append([]Exchange(nil), h.exchanges...)
}

// Count returns the number of operations that the function was called for.
func (h *Hook) Count() int {
	h.lock.Lock()
	defer h.lock.Unlock()
	return len(h.exchanges)
}

// Errors returns what the function has returned as errors.
func (h *Hook) Errors() []error {
	h.lock.Lock()
	defer h.lock.Unlock()
	return append([]error(nil), h.errors...)
}

// Remove calls the function for no more operations, once the calls in progress have returned, or the
// context is done.
func (h *Hook) Remove(ctx context.Context) error {
	h.lock.Lock()
	h.isRemoved = true
	h.lock.Unlock()
	if err := waitFor(ctx, &h.calls); err != nil {
		h.cancel()
		return fmt.Errorf("a hook on %v is still called: %w", h.On, err)
	}
	err := h.hold.Release(ctx)
	if hasStatus(err, 401, 404, 409) {
		err = nil
	}
	// The release ends the wait of the watcher; without one, such as after an error, this does.
	if err != nil {
		h.cancel()
	}
	<-h.isDone
	h.calls.Wait()
	h.cancel()
	return err
}

// waitFor waits for a group, until the context is done.
func waitFor(ctx context.Context, group *sync.WaitGroup) error {
	isDone := make(chan struct{})
	go func() {
		group.Wait()
		close(isDone)
	}()
	select {
	case <-isDone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hook) watch() {
	defer close(h.isDone)
	for seen := 0; ; {
		ctx, cancel := context.WithTimeout(h.ctx, hookWait)
		state, err := h.hold.wait(ctx, seen+1)
		cancel()
		if hasStatus(err, 408) {
			continue
		} else if err != nil {
			// The account or the server has ended, which other calls report.
			return
		}
		for _, exchange := range state.Exchanges[min(seen, len(state.Exchanges)):] {
			h.calls.Add(1)
			go h.handle(exchange)
		}
		seen = len(state.Exchanges)
		if state.Released {
			return
		}
	}
}

func (h *Hook) handle(exchange Exchange) {
	defer h.calls.Done()
	h.lock.Lock()
	isRemoved := h.isRemoved
	if !isRemoved {
		h.exchanges = append(h.exchanges, exchange)
	}
	h.lock.Unlock()
	var fault Fault
	if !isRemoved {
		var err error
		if fault, err = h.call(h.ctx, exchange); err != nil {
			h.fail(err)
		}
	}
	err := h.hold.ReleaseOne(h.ctx, exchange, fault)
	if err != nil && fault != nil {
		// The fault has no meaning here, and the operation has to go on.
		h.fail(err)
		_ = h.hold.ReleaseOne(h.ctx, exchange, nil)
	}
}

func (h *Hook) fail(err error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.errors = append(h.errors, err)
}
