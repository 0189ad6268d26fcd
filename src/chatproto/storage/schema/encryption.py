"""What devices and accounts publish for end-to-end encryption, and backups of keys."""

from __future__ import annotations

from chatproto.ports import Migration

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        4,
        "keys for end-to-end encryption",
        (
            """create table device_keys (
                user_id text not null,
                device_id text not null,
                json json not null,
                primary key (user_id, device_id)
            ) without rowid""",
            # Keys of one upload share `uploaded`; the oldest are given out first.
            """create table one_time_keys (
                user_id text not null,
                device_id text not null,
                algorithm text not null,
                key_id text not null,
                uploaded integer not null,
                json json not null,
                primary key (user_id, device_id, algorithm, key_id)
            ) without rowid""",
            """create index one_time_keys_oldest on one_time_keys
                (user_id, device_id, algorithm, uploaded)""",
            """create table fallback_keys (
                user_id text not null,
                device_id text not null,
                algorithm text not null,
                key_id text not null,
                is_used integer not null,
                json json not null,
                primary key (user_id, device_id, algorithm)
            ) without rowid""",
            """create table cross_signing_keys (
                user_id text not null,
                usage text not null,
                json json not null,
                primary key (user_id, usage)
            ) without rowid""",
            """create table key_signatures (
                user_id text not null,
                target text not null,
                signer text not null,
                signer_key text not null,
                signature text not null,
                primary key (user_id, target, signer, signer_key)
            ) without rowid""",
            """create table device_lists (
                user_id text primary key,
                pos integer not null
            ) without rowid""",
            "create index device_lists_pos on device_lists (pos)",
            "create index memberships_changed on memberships (changed_pos)",
            """create table key_backups (
                user_id text not null,
                version integer not null,
                algorithm text not null,
                auth_data json not null,
                etag integer not null,
                is_deleted integer not null,
                primary key (user_id, version)
            ) without rowid""",
            """create table backed_up_keys (
                user_id text not null,
                version integer not null,
                room_id text not null,
                session_id text not null,
                first_message_index integer not null,
                forwarded_count integer not null,
                is_verified integer not null,
                session_data json not null,
                primary key (user_id, version, room_id, session_id)
            ) without rowid""",
        ),
    ),
)
