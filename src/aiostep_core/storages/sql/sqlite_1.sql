-- Version 1 of the tables, run once in one transaction on a file without any.
--
-- Texts are UTF-8 with surrogates escaped, so that they sort as Python sorts them. Times are seconds since the epoch.

create table records (
    id integer primary key,
    kind text not null,
    space text not null,
    name text not null,
    fields text not null,               -- a JSON object of texts
    expires_at real,                    -- null: never
    due real,                           -- null: never
    revision integer not null default 0, -- of a journal, which has one from its first entry on
    unique (kind, space, name)
);

-- Partial: most records neither expire nor are due, and cost nothing here.
create index records_expiring on records (expires_at) where expires_at is not null;
create index records_due on records (kind, space, due) where due is not null;

-- A journal's entries, apart from its record, so that appending writes only what is new. Numbered from 0 without gaps.
create table entries (
    record integer not null,
    number integer not null,
    entry text not null,
    primary key (record, number)
) without rowid;

-- Whatever removes or overwrites a journal removes its entries: nobody has to think of it.
create trigger records_deleted after delete on records when old.revision > 0
begin
    delete from entries where record = old.id;
end;

create trigger records_overwritten after update of revision on records when old.revision > 0 and new.revision = 0
begin
    delete from entries where record = old.id;
end;
