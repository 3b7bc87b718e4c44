import { describe, expect, test } from "vitest"
import type { ClaimedJob } from "../../store/index.ts"
import { WaitingRoom } from "./waitingRoom.ts"

const MOST = 500

function job(jobId: string, attempt = 1): ClaimedJob {
  return { jobId, attempt } as ClaimedJob
}

/** Seats for the next claim after one that brought `count` jobs, filled, all of which ended within `tookMs`. */
function seatsAfter(count: number, tookMs: number, slots = 10): number {
  const room = new WaitingRoom()
  room.claimed(count, true, 0)
  return room.reserve(slots, MOST, false, tookMs).weight
}

/** A room in which these jobs sit down, each at its time. */
function seated(...sinceMono: readonly number[]): WaitingRoom {
  const room = new WaitingRoom()
  room.claimed(100, true, 0)
  const seats = room.reserve(1, MOST, false, 0)
  for (const [n, mono] of sinceMono.entries()) room.sit(job(`${n}`), seats.take(), mono)
  seats.release()
  return room
}

describe("how many seats a claim gets", () => {
  test("twice as many jobs as the claim before, when all of it has ended already", () => {
    expect(seatsAfter(10, 0)).toBe(10)
    expect(seatsAfter(20, 0)).toBe(30)
  })

  test("no more than the pace of the claim before gets through in 10 ms", () => {
    expect(seatsAfter(100, 5)).toBe(190)
    expect(seatsAfter(100, 20)).toBe(40)
    expect(seatsAfter(100, 100)).toBe(0)
    expect(seatsAfter(100, 1_000)).toBe(0)
  })

  test("no more than one claim may bring", () => {
    expect(seatsAfter(400, 0)).toBe(MOST - 10)
  })

  test("none without a slot, while a handler runs, while a job waits, after a claim that was not filled", () => {
    expect(seatsAfter(100, 0, 0)).toBe(0)
    const busy = new WaitingRoom()
    busy.claimed(100, true, 0)
    expect(busy.reserve(10, MOST, true, 0).weight).toBe(0)
    const waiting = seated(0)
    waiting.claimed(100, true, 0)
    expect(waiting.reserve(10, MOST, false, 0).weight).toBe(0)
    const short = new WaitingRoom()
    short.claimed(100, false, 0)
    expect(short.reserve(10, MOST, false, 0).weight).toBe(0)
  })

  test("none for a second claim before the first was answered", () => {
    const room = new WaitingRoom()
    room.claimed(100, true, 0)
    expect(room.reserve(10, MOST, false, 0).weight).toBeGreaterThan(0)
    expect(room.reserve(10, MOST, false, 0).weight).toBe(0)
  })

  test("over all claims no more than there are in the room", () => {
    const room = new WaitingRoom()
    let reserved = 0
    for (let i = 0; i < 10; i++) {
      room.claimed(400, true, 0)
      reserved += room.reserve(10, MOST, false, 0).weight
    }
    expect(reserved).toBe(1_000)
  })
})

describe("who waits", () => {
  test("leaves in the order of arrival", () => {
    const room = seated(0, 0, 0)
    expect([room.next(), room.next(), room.next(), room.next()]).toEqual([
      job("0"),
      job("1"),
      job("2"),
      undefined,
    ])
    expect(room.size).toBe(0)
  })

  test("is found by job and attempt, and then has left", () => {
    const room = seated(0, 0)
    expect(room.find("1", 2)).toBeUndefined()
    expect(room.find("1", 1)).toEqual(job("1"))
    expect(room.find("1", 1)).toBeUndefined()
    expect(room.size).toBe(1)
  })

  test("has waited too long after 100 ms, and not before", () => {
    const room = seated(0, 50)
    expect(room.patienceMs(30)).toBe(70)
    expect(room.overdue(99)).toEqual([])
    expect(room.patienceMs(100)).toBe(0)
    expect(room.overdue(100)).toEqual([job("0")])
    expect(room.patienceMs(120)).toBe(30)
    expect(room.overdue(150)).toEqual([job("1")])
    expect(room.patienceMs(150)).toBeUndefined()
  })

  test("gives its seat to the next one, however it leaves", () => {
    const room = seated(0, 0, 0, 0)
    room.next()
    room.find("1", 1)
    room.clear()
    room.claimed(1_000, true, 0)
    expect(room.reserve(1, 10_000, false, 0).weight).toBe(1_000)
  })
})
