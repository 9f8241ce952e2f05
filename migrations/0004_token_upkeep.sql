DROP INDEX `refresh_tokens_session`;--> statement-breakpoint
CREATE INDEX `refresh_tokens_session` ON `refresh_tokens` (`session_id`,`used_at_ms`);