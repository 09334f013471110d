module github.com/s2mock/s2mock/clients/go/test

go 1.24

require (
	github.com/s2-streamstore/s2-sdk-go v0.19.0
	github.com/s2mock/s2mock/clients/go v0.0.0
)

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/klauspost/compress v1.18.2 // indirect
	golang.org/x/net v0.25.0 // indirect
	golang.org/x/text v0.15.0 // indirect
	google.golang.org/protobuf v1.34.0 // indirect
)

replace github.com/s2mock/s2mock/clients/go => ../
