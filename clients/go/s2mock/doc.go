// Package s2mock lets tests use a faithful S2, the durable streams API, without an account and without a
// network: the server s2mock runs beside them, with faults, held operations, a clock that the test
// advances, a journal, snapshots, and campaigns that try every fault, every order and every crash.
//
//	func TestAnOrderIsPlacedOnce(t *testing.T) {
//		ctx := context.Background()
//		mock := s2mock.New(t, s2mock.AccountOptions{
//			Basins: []s2mock.Basin{{Name: "shop-basin", Streams: s2mock.Streams("orders")}},
//		})
//		_, err := mock.Inject(ctx, s2mock.Drop{Committed: true}, s2mock.OpAppend)
//		...
//	}
//
// [New] makes an account for the test. Tests that run at the same time have one each, and never meet. The
// server is the one at S2MOCK_URL, or one that is started once for each process: see [Executable].
//
// A client of the official SDK for the account:
//
//	client := s2.New(mock.Token, &s2.ClientOptions{
//		BaseURL:          mock.BaseURL(),
//		MakeBasinBaseURL: mock.BasinBaseURL,
//	})
//
// Operations, error codes, points and the like are values of types of their own, and faults are structs, so
// that a name with a typo does not compile.
//
// Each wait, such as [Hold.Wait], ends at the deadline of its context, or after 5 seconds if it has none,
// with an error that wraps [ErrTimeout] and says what arrived instead.
package s2mock
