module github.com/s2mock/s2mock/clients/go

go 1.24
