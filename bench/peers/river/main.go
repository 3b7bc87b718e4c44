// Command river is the side of River in `npm run bench -- --peers`: it speaks the lines of side.ts.
//
// The profile "bench" has the settings of `river bench`, "default" those that one gets by setting nothing.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

const (
	replies         = 3
	insertBatchSize = 5_000
	// As river bench: an event that is dropped would never be counted.
	eventBuffer  = 75_000
	probeGap     = 5 * time.Millisecond
	probeJitter  = 20 * time.Millisecond
	tick         = 5 * time.Millisecond
	mostInFlight = 1000
	poolSize     = 10
)

type spec struct {
	Connection string `json:"connection"`
	Profile    string `json:"profile"`
}

type request struct {
	ID        int     `json:"id"`
	Op        string  `json:"op"`
	Count     int     `json:"count"`
	InFlight  int     `json:"inFlight"`
	PerSecond float64 `json:"perSecond"`
	Ms        float64 `json:"ms"`
	Hold      bool    `json:"hold"`
}

type reply struct {
	ID     int    `json:"id"`
	Result any    `json:"result"`
	Error  string `json:"error,omitempty"`
}

type payload struct {
	N      int     `json:"n"`
	SentMs float64 `json:"sentMs,omitempty"`
}

func (payload) Kind() string { return "nothing" }

type side struct {
	spec    spec
	pool    *pgxpool.Pool
	inserts *river.Client[pgx.Tx]
	works   *river.Client[pgx.Tx]

	started   atomic.Int64
	completed atomic.Int64
	hold      bool

	mu      sync.Mutex
	samples [][2]float64
}

type worker struct {
	river.WorkerDefaults[payload]
	side *side
}

func (w *worker) Work(ctx context.Context, job *river.Job[payload]) error {
	w.side.started.Add(1)
	if w.side.hold {
		<-ctx.Done()
		return ctx.Err()
	}
	if sent := job.Args.SentMs; sent != 0 {
		w.side.mu.Lock()
		w.side.samples = append(w.side.samples, [2]float64{sent, machineMs() - sent})
		w.side.mu.Unlock()
	}
	return nil
}

func main() {
	ctx := context.Background()
	var given spec
	must(json.Unmarshal([]byte(os.Args[1]), &given))
	config, err := pgxpool.ParseConfig(given.Connection)
	must(err)
	// As many as the pools of the others; its own default is 4 on a small machine.
	config.MaxConns = poolSize
	pool, err := pgxpool.NewWithConfig(ctx, config)
	must(err)
	inserts, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: logger()})
	must(err)
	s := &side{spec: given, pool: pool, inserts: inserts}

	out := os.NewFile(replies, "replies")
	var writing sync.Mutex
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r request
		must(json.Unmarshal(lines.Bytes(), &r))
		go func() {
			answer := reply{ID: r.ID}
			result, err := s.do(ctx, r)
			if err != nil {
				answer.Error = err.Error()
			} else {
				answer.Result = result
			}
			text, err := json.Marshal(answer)
			must(err)
			writing.Lock()
			defer writing.Unlock()
			_, err = out.Write(append(text, '\n'))
			must(err)
			if r.Op == "stop" {
				os.Exit(0)
			}
		}()
	}
}

func (s *side) do(ctx context.Context, r request) (any, error) {
	switch r.Op {
	case "prepare":
		migrator, err := rivermigrate.New(riverpgxv5.New(s.pool), nil)
		if err != nil {
			return nil, err
		}
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return nil, err
	case "bulk":
		return s.bulk(ctx, r.Count)
	case "concurrent":
		return s.concurrent(ctx, r.Count, r.InFlight)
	case "probe":
		return nil, s.probe(ctx, r.Count)
	case "paced":
		return s.paced(ctx, r.PerSecond, r.Ms)
	case "work":
		return nil, s.work(ctx, r.Hold)
	case "started":
		return s.started.Load(), nil
	case "completed":
		return s.completed.Load(), nil
	case "unfinished":
		return s.unfinished(ctx)
	case "samples":
		s.mu.Lock()
		defer s.mu.Unlock()
		samples := s.samples
		s.samples = nil
		if samples == nil {
			samples = [][2]float64{}
		}
		return samples, nil
	case "claims":
		return nil, nil
	case "stop":
		return nil, s.stop(ctx)
	}
	return nil, fmt.Errorf("no such operation: %s", r.Op)
}

func (s *side) work(ctx context.Context, hold bool) error {
	s.hold = hold
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{side: s})
	config := &river.Config{
		Logger:  logger(),
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 100}},
		Workers: workers,
	}
	if s.spec.Profile == "bench" {
		// cmd/river/riverbench/river_bench.go
		config.FetchCooldown = 2 * time.Millisecond
		config.FetchPollInterval = 20 * time.Millisecond
		config.Queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: 2_000}
	}
	client, err := river.NewClient(riverpgxv5.New(s.pool), config)
	if err != nil {
		return err
	}
	// Not the workers count: an event tells that the completion is written.
	events, _ := client.SubscribeConfig(&river.SubscribeConfig{
		ChanSize: eventBuffer,
		Kinds:    []river.EventKind{river.EventKindJobCompleted},
	})
	go func() {
		for range events {
			s.completed.Add(1)
		}
	}()
	s.works = client
	return client.Start(ctx)
}

func (s *side) stop(ctx context.Context) error {
	if s.works != nil {
		bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := s.works.Stop(bounded); err != nil {
			return err
		}
	}
	return nil
}

func (s *side) unfinished(ctx context.Context) (int, error) {
	var some bool
	err := s.pool.QueryRow(ctx,
		"select exists (select from river_job where state not in ('completed', 'cancelled', 'discarded'))",
	).Scan(&some)
	if err != nil || !some {
		return 0, err
	}
	return 1, nil
}

func (s *side) insert(ctx context.Context, p payload) error {
	_, err := s.inserts.Insert(ctx, p, nil)
	return err
}

func (s *side) bulk(ctx context.Context, count int) (float64, error) {
	start := machineMs()
	for done := 0; done < count; done += insertBatchSize {
		batch := make([]river.InsertManyParams, min(insertBatchSize, count-done))
		for i := range batch {
			batch[i].Args = payload{N: done + i}
		}
		if _, err := s.inserts.InsertMany(ctx, batch); err != nil {
			return 0, err
		}
	}
	return machineMs() - start, nil
}

func (s *side) concurrent(ctx context.Context, count, inFlight int) (float64, error) {
	var next atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, inFlight)
	start := machineMs()
	for range inFlight {
		group.Go(func() {
			for n := next.Add(1); n <= int64(count); n = next.Add(1) {
				if err := s.insert(ctx, payload{N: int(n)}); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(failures)
	return machineMs() - start, <-failures
}

func (s *side) probe(ctx context.Context, count int) error {
	for n := range count {
		if err := s.insert(ctx, payload{N: n, SentMs: machineMs()}); err != nil {
			return err
		}
		time.Sleep(probeGap + time.Duration(rand.Int64N(int64(probeJitter))))
	}
	return nil
}

func (s *side) paced(ctx context.Context, perSecond, ms float64) (int, error) {
	var inFlight atomic.Int64
	var failure atomic.Value
	sent := 0
	start := machineMs()
	for elapsed := 0.0; elapsed < ms; elapsed = machineMs() - start {
		for due := int(elapsed / 1000 * perSecond); sent < due && inFlight.Load() < mostInFlight; sent++ {
			inFlight.Add(1)
			go func(p payload) {
				defer inFlight.Add(-1)
				if err := s.insert(ctx, p); err != nil {
					failure.Store(err)
				}
			}(payload{N: sent, SentMs: machineMs()})
		}
		time.Sleep(tick)
	}
	for inFlight.Load() > 0 {
		time.Sleep(tick)
	}
	err, _ := failure.Load().(error)
	return sent, err
}

// The clock of node's process.hrtime, which latencies between two processes need.
func machineMs() float64 {
	const monotonic = 1
	var now syscall.Timespec
	_, _, failed := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, monotonic, uintptr(unsafe.Pointer(&now)), 0)
	if failed != 0 {
		panic(failed)
	}
	return float64(now.Nano()) / 1e6
}

func logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(70)
	}
}
