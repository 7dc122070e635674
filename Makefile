.PHONY: run test lint bench

run: ; go run ./cmd/caddy run
test: ; .ci/test
lint: ; go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run
bench: ; go test -run '^$$' -bench . -benchmem ./internal/... ./modules/...
