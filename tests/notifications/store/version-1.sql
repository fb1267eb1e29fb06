BEGIN TRANSACTION;
CREATE TABLE notification_attempts (
	job_id VARCHAR(36) NOT NULL, 
	series INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	duration_s FLOAT, 
	status INTEGER, 
	error VARCHAR(64), 
	decision VARCHAR(16), 
	excerpt TEXT, 
	next_at FLOAT, 
	PRIMARY KEY (job_id, series, number)
);
INSERT INTO "notification_attempts" VALUES('00000000-0000-4000-8000-000000000005',0,1,1764200061.0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "notification_attempts" VALUES('00000000-0000-4000-8000-000000000006',0,1,1764200061.0,1.0,200,NULL,'delivered','',NULL);
CREATE TABLE notification_jobs (
	id VARCHAR(36) NOT NULL, 
	caller VARCHAR(256) NOT NULL, 
	rule VARCHAR(256) NOT NULL, 
	batch_id BIGINT NOT NULL, 
	url TEXT NOT NULL, 
	host VARCHAR(255) NOT NULL, 
	profile VARCHAR(16) NOT NULL, 
	state VARCHAR(24) NOT NULL, 
	active INTEGER NOT NULL, 
	created_at FLOAT NOT NULL, 
	updated_at FLOAT NOT NULL, 
	deadline_at FLOAT NOT NULL, 
	callback_deadline_at FLOAT NOT NULL, 
	snapshot TEXT, 
	starting_at FLOAT, 
	started_at FLOAT, 
	running_at FLOAT, 
	ended_at FLOAT, 
	batch_status VARCHAR(64), 
	outcome VARCHAR(24), 
	message TEXT, 
	scheduled_for FLOAT, 
	attempts INTEGER NOT NULL, 
	doubted INTEGER NOT NULL, 
	series INTEGER NOT NULL, 
	next_attempt_at FLOAT, 
	owner VARCHAR(64), 
	PRIMARY KEY (id)
);
INSERT INTO "notification_jobs" VALUES('00000000-0000-4000-8000-000000000001','11111111-1111-1111-1111-111111111111','adf',101,'fernet:gAAAAABrDYLvCfP7EJoI-ewYeTHgnGNg7qswx4Ta_BtNSedhZ6ylP-L6xPvFzwnx15ZyG_SdKZlvCBN86hBWgWDCjcohcWYctNL7Y6MkYJsnjI5tdf2LmTc=','example.org','adf','accepted',1,1764200001.0,1764200001.0,1764200570.0,1764200600.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,NULL,'embedded');
INSERT INTO "notification_jobs" VALUES('00000000-0000-4000-8000-000000000002','11111111-1111-1111-1111-111111111111','adf',102,'fernet:gAAAAABrDYLvGMO7KU0Bptxl4N538Vwd99tsXaiSgIIvCL0OqICfr_lWKr_yLqPpj8mJQUpdlSTxt-5F5V2H4BWuToDbqxo3o78DoiHDCTL9ZhP81TUOu1E=','example.org','adf','starting',1,1764200002.0,1764200010.0,1764200570.0,1764200600.0,'{"batch_id": 1, "status": "Finished", "start": 1764199500.0, "end": 1764199600.0, "scheduled": null}',1764200010.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,NULL,'embedded');
INSERT INTO "notification_jobs" VALUES('00000000-0000-4000-8000-000000000003','11111111-1111-1111-1111-111111111111','adf',103,'fernet:gAAAAABrDYLvnZEO_CWZFhot3Vv-BhpoPqgR5Q-zz3j4OW_QnWAF1HpTdE9o4rkM23mMWi8LhuUA2cJp9VhK7dgAXqYeCHOYMEhuanU8ZhvC_BOL5DMtYTw=','example.org','adf','waiting',1,1764200003.0,1764200011.0,1764200570.0,1764200600.0,'{"batch_id": 1, "status": "Finished", "start": 1764199500.0, "end": 1764199600.0, "scheduled": null}',1764200010.0,1764200011.0,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,NULL,'embedded');
INSERT INTO "notification_jobs" VALUES('00000000-0000-4000-8000-000000000004','11111111-1111-1111-1111-111111111111','adf',104,'fernet:gAAAAABrDYLvGto4xJktwf8LBUCQ338HF7heMvLu5LndvRFnIwRpKBZsAGFyohBobb4wtw0-cATCOMZWJROnydjSc4eDz_2L8ZOtSSwuiiUJ5gjFKNkk664=','example.org','adf','running',1,1764200004.0,1764200020.0,1764200570.0,1764200600.0,'{"batch_id": 1, "status": "Finished", "start": 1764199500.0, "end": 1764199600.0, "scheduled": null}',1764200010.0,1764200011.0,1764200020.0,NULL,'Executing',NULL,NULL,NULL,0,0,0,NULL,'embedded');
INSERT INTO "notification_jobs" VALUES('00000000-0000-4000-8000-000000000005','11111111-1111-1111-1111-111111111111','adf',105,'fernet:gAAAAABrDYLvOk27W1FAm5HMMXpNOqf6nABwLPvrA8AhLSnK1N4vqOtWOPRYvmcIYmQdP3YUYTHSZt6oeNHoNCwAUFPxu1M8hCDV1TDshZi-m3zVXGtGseI=','example.org','adf','delivering',1,1764200005.0,1764200060.0,1764200570.0,1764200600.0,'{"batch_id": 1, "status": "Finished", "start": 1764199500.0, "end": 1764199600.0, "scheduled": null}',1764200010.0,1764200011.0,NULL,1764200060.0,NULL,'succeeded','The batch job finished.',NULL,0,0,0,1764200060.0,'embedded');
INSERT INTO "notification_jobs" VALUES('00000000-0000-4000-8000-000000000006','11111111-1111-1111-1111-111111111111','adf',106,'fernet:gAAAAABrDYLv3jYJGViAY8jdoMdvi_y3CrlFPynQcgU_WgK73qa2tg-rjMtMxpf-LT7zE2DizY6E_ErX6yyQOBprQRYq4tPC8vV9m30piv3K0qXrAmcfk0I=','example.org','adf','delivered',0,1764200006.0,1764200062.0,1764200570.0,1764200600.0,'{"batch_id": 1, "status": "Finished", "start": 1764199500.0, "end": 1764199600.0, "scheduled": null}',1764200010.0,1764200011.0,NULL,1764200060.0,NULL,'succeeded','The batch job finished.',NULL,1,0,0,NULL,'embedded');
INSERT INTO "notification_jobs" VALUES('00000000-0000-4000-8000-000000000007','11111111-1111-1111-1111-111111111111','adf',107,'fernet:gAAAAABrDYLv3ND7lqlv8fg2vRcK-m5r_JuWbTe-pcKO1It3XvBL1tUUHeScD4wzrchsYYlaTs1_E5-GtzB-vWw0xsrgjrd3qjMezmBwSIu7mQ3pXjQBt-Q=','example.org','adf','stopped',0,1764200007.0,1764200009.0,1764200570.0,1764200600.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,NULL,'embedded');
CREATE TABLE notification_keys (
	caller VARCHAR(256) NOT NULL, 
	"key" VARCHAR(300) NOT NULL, 
	job_id VARCHAR(36) NOT NULL, 
	payload VARCHAR(64) NOT NULL, 
	PRIMARY KEY (caller, "key")
);
INSERT INTO "notification_keys" VALUES('11111111-1111-1111-1111-111111111111','sent:key-1','00000000-0000-4000-8000-000000000001','8a0c0bf3e4c115e3db4b24aa4b0efc891a8834d2b271a7fccd926b4ba204c9eb');
INSERT INTO "notification_keys" VALUES('11111111-1111-1111-1111-111111111111','sent:key-2','00000000-0000-4000-8000-000000000002','1286f04c65f74b176ea670638a95f83422cf279fd9efe1a92243375e4f153d9b');
INSERT INTO "notification_keys" VALUES('11111111-1111-1111-1111-111111111111','sent:key-3','00000000-0000-4000-8000-000000000003','da84fe9d4dea02c1b7f6a16d6782c6dee726a6c32681d3869091bd0244c9d862');
INSERT INTO "notification_keys" VALUES('11111111-1111-1111-1111-111111111111','sent:key-4','00000000-0000-4000-8000-000000000004','7bfbe1ab9ae8197444c497659e3b4b3ca38c5b67f6c8b8eac90d8b6ffc1de740');
INSERT INTO "notification_keys" VALUES('11111111-1111-1111-1111-111111111111','sent:key-5','00000000-0000-4000-8000-000000000005','956484a7e6d04d37234100090d4aefa42495851d8d4dbc0061a8a7d773826249');
INSERT INTO "notification_keys" VALUES('11111111-1111-1111-1111-111111111111','sent:key-6','00000000-0000-4000-8000-000000000006','d7b94a2c891f2b7603a9c267d29153119c873fe0773fa984647b1b86935efe91');
INSERT INTO "notification_keys" VALUES('11111111-1111-1111-1111-111111111111','sent:key-7','00000000-0000-4000-8000-000000000007','bfd02b06b2076ebc081fc53d2b07879c7df94fecb614859a10fdfe20966b6295');
CREATE TABLE notification_replicas (
	executor_id VARCHAR(64) NOT NULL, 
	started_at FLOAT NOT NULL, 
	PRIMARY KEY (executor_id)
);
CREATE INDEX notification_jobs_batch ON notification_jobs (batch_id, active);
CREATE INDEX notification_jobs_active ON notification_jobs (state, created_at) WHERE active = 1;
CREATE INDEX notification_jobs_free ON notification_jobs (created_at) WHERE active = 1 AND owner IS NULL;
CREATE INDEX notification_jobs_caller ON notification_jobs (caller, active, created_at);
CREATE INDEX notification_jobs_state ON notification_jobs (state, updated_at);
CREATE INDEX notification_keys_job ON notification_keys (job_id);
COMMIT;
