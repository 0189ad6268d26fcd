// Calls that change nothing (docs/reference/operations.md): to ask again does no harm.
const READS = new Set(
  `account.login_flows account.whoami account_data.get account_data.get_room alias.list
  alias.resolve device.get device.list directory.get_visibility directory.list directory.search
  filter.get key_backup.get key_backup.get_key key_backup.get_keys key_backup.get_room_keys
  key_backup.get_version keys.changes keys.query media.config presence.get profile.get
  profile.get_avatar_url profile.get_display_name push_rule.get push_rule.get_actions
  push_rule.get_enabled push_rule.list push_rule.list_global pusher.list relations.list
  relations.list_kind relations.list_type report.list room.context room.event room.event_at_time
  room.history room.joined_members room.list_joined room.members room.summary room.threads search
  server.capabilities server.versions server.well_known space.hierarchy state.get state.list
  tag.list thirdparty.ghosts thirdparty.locations thirdparty.portals thirdparty.protocol
  thirdparty.protocols thirdparty.users threepid.list users.search
  voip.turn_server`.split(/\s+/),
);

// By its transaction ID the server knows a repetition of these.
const ONCE = new Set(["room.send", "room.edit", "room.redact", "room.forward", "to_device.send"]);

/** Whether a call may be made again if nobody knows what became of it. */
export function isRepeatable(name, fields) {
  return READS.has(name) || (ONCE.has(name) && typeof fields?.txn_id === "string");
}

/** The call by which an entry of the outbox is sent, as `[name, fields]`. */
export function callOf(entry) {
  const { roomId: room_id, target: event_id, txnId: txn_id, type: event_type, content } = entry;
  if (entry.kind === "redact") {
    return ["room.redact", { room_id, event_id, txn_id, reason: content.reason }];
  }
  if (entry.kind === "edit") return ["room.edit", { room_id, event_id, txn_id, content }];
  return ["room.send", { room_id, event_type, txn_id, content }];
}
