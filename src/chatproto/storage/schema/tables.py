"""The first tables."""

from __future__ import annotations

from chatproto.ports import Migration

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1,
        "the first tables",
        (
            """create table users (
                user_id text primary key,
                localpart text not null,
                display_name text,
                search text,
                avatar_url text,
                password_hash text,
                is_admin integer not null default 0,
                is_locked integer not null default 0,
                is_deactivated integer not null default 0,
                created_ts integer not null,
                status_msg text,
                status_expires_ts integer
            ) without rowid""",
            "create index users_localpart on users (localpart)",
            """create table devices (
                user_id text not null,
                device_id text not null,
                display_name text,
                created_ts integer,
                last_seen_ts integer,
                last_seen_ip text,
                primary key (user_id, device_id)
            ) without rowid""",
            """create table tokens (
                token_hash text primary key,
                user_id text not null,
                device_id text not null,
                kind text not null,
                expires_ts integer,
                created_ts integer not null
            ) without rowid""",
            "create index tokens_device on tokens (user_id, device_id)",
            """create table rooms (
                room_id text primary key,
                version text not null,
                creator text not null,
                head text not null default '',
                seq integer not null default 0,
                depth integer not null default 0,
                last_pos integer not null default 0,
                bump_pos integer not null default 0,
                bump_sender text,
                bump_other_pos integer not null default 0,
                is_public integer not null default 0
            ) without rowid""",
            "create index rooms_public on rooms (room_id) where is_public",
            """create table events (
                pos integer primary key,
                room_id text not null,
                seq integer not null,
                event_id text not null,
                type text not null,
                state_key text,
                sender text not null,
                json text not null,
                counts integer not null,
                mentions_room integer not null,
                relates_to text,
                rel_type text,
                redacted_by text
            )""",
            "create unique index events_seq on events (room_id, seq)",
            "create unique index events_id on events (event_id)",
            """create index events_state on events (room_id, type, state_key, seq)
                where state_key is not null""",
            """create index events_relations on events (relates_to, seq)
                where relates_to is not null""",
            """create table mentions (
                room_id text not null,
                user_id text not null,
                seq integer not null,
                primary key (room_id, user_id, seq)
            ) without rowid""",
            """create table state (
                room_id text not null,
                type text not null,
                state_key text not null,
                pos integer not null,
                primary key (room_id, type, state_key)
            ) without rowid""",
            """create table memberships (
                user_id text not null,
                room_id text not null,
                membership text not null,
                seq integer not null,
                pos integer not null,
                changed_seq integer not null,
                changed_pos integer not null,
                sent_seq integer not null default 0,
                forgotten integer not null default 0,
                primary key (user_id, room_id)
            ) without rowid""",
            "create index memberships_room on memberships (room_id, membership)",
            """create table receipts (
                room_id text not null,
                user_id text not null,
                type text not null,
                thread_id text not null,
                event_id text not null,
                seq integer not null,
                ts integer not null,
                pos integer not null,
                primary key (room_id, user_id, type, thread_id)
            ) without rowid""",
            "create index receipts_pos on receipts (pos)",
            """create table account_data (
                user_id text not null,
                room_id text not null,
                type text not null,
                content json not null,
                pos integer not null,
                primary key (user_id, room_id, type)
            ) without rowid""",
            "create index account_data_pos on account_data (user_id, pos)",
            """create table to_device (
                pos integer primary key,
                user_id text not null,
                device_id text not null,
                sender text not null,
                type text not null,
                content json not null
            )""",
            "create index to_device_queue on to_device (user_id, device_id, pos)",
            """create table txns (
                user_id text not null,
                device_id text not null,
                operation text not null,
                txn_id text not null,
                reply text not null,
                ts integer not null,
                primary key (user_id, device_id, operation, txn_id)
            ) without rowid""",
            """create table aliases (
                alias text primary key,
                room_id text not null,
                creator text not null
            ) without rowid""",
            "create index aliases_room on aliases (room_id)",
            """create table filters (
                user_id text not null,
                filter_id text not null,
                json json not null,
                primary key (user_id, filter_id)
            ) without rowid""",
            """create table media (
                media_id text primary key,
                user_id text not null,
                content_type text not null,
                name text,
                size integer not null,
                created_ts integer not null
            ) without rowid""",
        ),
    ),
    Migration(
        2,
        "the newest position, threads",
        (
            """create table meta (
                name text primary key,
                value integer not null
            ) without rowid""",
            """insert into meta select 'last_pos', max(
                (select coalesce(max(pos), 0) from receipts),
                (select coalesce(max(pos), 0) from account_data),
                (select coalesce(max(pos), 0) from to_device))""",
            """create index events_threads on events (room_id, relates_to, seq)
                where rel_type = 'm.thread' and redacted_by is null""",
        ),
    ),
    Migration(
        3,
        "status texts",
        (
            """create index users_status on users (user_id)
                where status_msg is not null""",
        ),
    ),
    Migration(
        9,
        "by which call an event was sent",
        (
            "alter table events add column device_id text",
            "alter table events add column txn_id text",
        ),
    ),
)
