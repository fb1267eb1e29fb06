-- HAProxy carries the traffic, the gateway decides: `decisions: 127.0.0.1:8082` in config.yaml. See haproxy-decision.cfg.

local ENDPOINT = "http://127.0.0.1:8082/authz"
local SET_BY_POLICIES = {"caller-objectid"}   -- one entry for each header that your policies set
local NOT_ASKED = {["content-length"] = true, ["transfer-encoding"] = true, connection = true, upgrade = true}

local function question(txn)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not NOT_ASKED[name] then
            headers[name] = {}
            for index = 0, #values do headers[name][index] = values[index] end
        end
    end
    -- The client's own would be a second question, or speak for another client.
    headers["x-original-uri"], headers["x-original-method"], headers["forwarded"] = nil, nil, nil
    headers["x-forwarded-uri"] = {[0] = txn.f:pathq()}
    headers["x-forwarded-method"] = {[0] = txn.f:method()}
    headers["x-forwarded-for"] = {[0] = txn.f:src()}
    return headers
end

core.register_action("decide", {"http-req"}, function(txn)
    local answer = core.httpclient():get{url = ENDPOINT, headers = question(txn), timeout = 2000}
    if answer.status ~= 200 then
        local refusal = txn:reply{status = answer.status >= 400 and answer.status or 503, body = answer.body}
        txn:done(refusal)
    end
    for _, name in ipairs(SET_BY_POLICIES) do
        txn.http:req_del_header(name)
        txn.http:req_del_header((name:gsub("-", "_")))
        local values = answer.headers[name]
        if values then txn.http:req_set_header(name, values[0]) end
    end
end)
