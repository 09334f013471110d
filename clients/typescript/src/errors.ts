/** A request that the server has refused. `status` and `code` are those of its response. */
export class ControlError extends Error {
  override readonly name: string = "ControlError";

  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
  ) {
    super(message);
  }
}

/** A wait that is over without what was awaited; the message lists what arrived instead. */
export class WaitTimeout extends ControlError {
  override readonly name = "WaitTimeout";
}

/** A fault that never fired, a hold that nothing reached, or a hook that failed: the test proves nothing. */
export class UnusedFault extends Error {
  override readonly name = "UnusedFault";
}

/** A campaign that has failed. The message is its report, with a test to paste. */
export class CampaignFailed extends Error {
  override readonly name = "CampaignFailed";
}
