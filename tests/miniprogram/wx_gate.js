// @ts-check
// The one door through which a program is entered: shut while it sleeps in the background, and for good when it ends.

export function createGate() {
  /** @type {'open' | 'asleep' | 'closed'} */
  let state = 'open'
  /** @type {(() => void)[]} */
  let waiting = []
  /** @type {Set<NodeJS.Timeout>} */
  const timers = new Set()

  /** @param {() => void} enter */
  const pass = (enter) => {
    if (state === 'open') enter()
    else if (state === 'asleep') waiting.push(enter)
  }

  return {
    get state() { return state },
    pass,
    /** A timer of the program: one that is due while the program sleeps runs when it wakes. @param {number} ms @param {() => void} ring */
    timer(ms, ring) {
      const timer = setTimeout(() => {
        timers.delete(timer)
        pass(ring)
      }, ms)
      timers.add(timer)
      return () => {
        clearTimeout(timer)
        timers.delete(timer)
      }
    },
    suspend() {
      if (state === 'open') state = 'asleep'
    },
    /** Before all that waits. @param {() => void} enter */
    next(enter) {
      waiting.unshift(enter)
    },
    resume() {
      if (state !== 'asleep') return
      state = 'open'
      const due = waiting
      waiting = []
      for (const enter of due) pass(enter)
    },
    close() {
      state = 'closed'
      waiting = []
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
    },
  }
}
