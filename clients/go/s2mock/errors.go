package s2mock

import (
	"errors"
	"fmt"
	"strings"
)

// ErrTimeout is the error of a wait that is over without what was awaited. The message of the [Error] that
// wraps it lists what arrived instead.
var ErrTimeout = errors.New("the wait is over")

// Error is a request to the server that was refused.
type Error struct {
	// Status is the status of the response.
	Status int
	// Code is the code of the error, of the control API or, for a direct call, of S2.
	Code string
	// Message says what was wrong, and what would be right.
	Message string
}

// Error returns the message, with the status and the code.
func (e *Error) Error() string { return fmt.Sprintf("%s (%d %s)", e.Message, e.Status, e.Code) }

// Unwrap returns [ErrTimeout] for a wait that is over.
func (e *Error) Unwrap() error {
	if e.Status == 408 {
		return ErrTimeout
	}
	return nil
}

// UnusedError is the error of an account that ends with a fault that never fired, a hold that no operation
// reached, or a hook that failed: its test proves nothing.
type UnusedError struct{ Complaints []string }

// Error returns the complaints, a line each.
func (e *UnusedError) Error() string { return strings.Join(e.Complaints, "\n") }

// CampaignError is the error of a campaign that has failed.
type CampaignError struct {
	// Text is the report for a person to read, with a test to paste.
	Text string
	// Report is the report for a program.
	Report *CampaignReport
}

// Error returns the report for a person to read.
func (e *CampaignError) Error() string { return e.Text }

// hasStatus returns true if an error is a response with one of these statuses.
func hasStatus(err error, statuses ...int) bool {
	var refused *Error
	if !errors.As(err, &refused) {
		return false
	}
	for _, status := range statuses {
		if refused.Status == status {
			return true
		}
	}
	return false
}
