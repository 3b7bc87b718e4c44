package worker

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

type Worker struct {
	redis *redis.Client
}

// RunAlone runs a job unless another worker does.
func (w *Worker) RunAlone(ctx context.Context, name string, job func(context.Context) error) error {
	key := "lock:" + name
	taken, err := w.redis.SetNX(ctx, key, "locked", time.Minute).Result()
	if err != nil || !taken {
		return err
	}
	defer w.redis.Del(context.WithoutCancel(ctx), key)
	return job(ctx)
}
