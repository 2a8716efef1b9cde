-- Messages: files that go with a mail, and what an organization's customers and parties want, which
-- is looked for by whom it is about.

alter table notify.messages
    add column attachments uuid[] not null default '{}' check (cardinality(attachments) <= 10);

create index preferences_by_recipient on notify.preferences (recipient_id, recipient_type);
