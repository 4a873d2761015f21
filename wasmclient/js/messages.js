// Constants for programs that speak the subprotocol lmz themselves (PROTOCOL.md).

/** The types of messages. */
export const GatewayMessageType = Object.freeze({
  CALL: 'call',
  CALL_RESPONSE: 'call_response',
  INCOMING_CALL: 'incoming_call',
  INCOMING_CALL_RESPONSE: 'incoming_call_response',
  CONNECTION_STATUS: 'connection_status',
});

/** The close code that tells a client that another one has taken its address. */
export const WS_CLOSE_SUPERSEDED = 4409;
