/** What one client did from the start of a round to its end, by the clock that all processes of the machine share. */
export interface ClientRound {
  startCount: number;
  /** Tools that started after it said that it obeys. */
  lateStartCount: number;
  lastStartMs: number | undefined;
  abortedMs: number | undefined;
  ackSentMs: number | undefined;
  /** The server has answered it. */
  ackAnsweredMs: number | undefined;
}

export function emptyRound(): ClientRound {
  return {
    startCount: 0,
    lateStartCount: 0,
    lastStartMs: undefined,
    abortedMs: undefined,
    ackSentMs: undefined,
    ackAnsweredMs: undefined,
  };
}
