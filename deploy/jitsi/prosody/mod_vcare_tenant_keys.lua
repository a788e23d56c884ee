-- Gives each tenant a secret of its own on one Prosody host.
--
-- Jitsi's mod_auth_token knows one secret a host. Before it verifies a token it fires an event with the session; a key
-- that is put into the session there is used instead of the host's. This module puts the key of the tenant in the URL
-- there (https://host/TENANT/room). No tenant, or one that is not in the file, is refused: nothing falls back to the
-- host's secret, which otherwise would open every tenant's rooms.
--
-- Load it on the main VirtualHost (XMPP_MODULES=vcare_tenant_keys,...). Options:
--   vcare_tenant_keys_file   lines "tenant=secret"; empty ones and those that begin with # are passed over.
--                            Default: /run/vcare/tenant_keys
-- `prosodyctl reload` reads the file again. A file that is not in order is not used at all: at the start nobody gets in,
-- at a reload the keys from before stay.

-- As long as the hash: a shorter HMAC key weakens it.
local SHORTEST = 32

local file = module:get_option_string("vcare_tenant_keys_file", "/run/vcare/tenant_keys")
local keys = {}

-- The keys by tenant, and how many; or nil and what is wrong, without a secret in it.
local function read(path)
    local lines, missing = io.open(path, "r")
    if not lines then
        return nil, missing
    end
    local found, count, number = {}, 0, 0
    local wrong
    for line in lines:lines() do
        number = number + 1
        line = line:gsub("%s+$", "")
        if line ~= "" and line:sub(1, 1) ~= "#" then
            local tenant, secret = line:match("^([^=%s]+)=(%S+)$")
            if not tenant then
                wrong = "is not tenant=secret"
            elseif #secret < SHORTEST then
                wrong = "has a secret below " .. SHORTEST .. " characters"
            elseif found[tenant:lower()] then
                wrong = "names its tenant a second time"
            end
            if wrong then
                break
            end
            found[tenant:lower()] = secret
            count = count + 1
        end
    end
    lines:close()
    if wrong then
        return nil, path .. ": line " .. number .. " " .. wrong
    end
    return found, count
end

local function load()
    local found, outcome = read(file)
    if found then
        keys = found
        module:log("info", "secrets of %d tenants", outcome)
    else
        module:log("error", "the tenants' secrets were not read: %s", outcome)
    end
end

-- Before a token is verified: which key is it held against?
local function choose_key(session)
    if session.host and session.host ~= module.host then
        return nil
    end
    local tenant = (session.jitsi_web_query_prefix or session.jitsi_bosh_query_prefix or ""):lower()
    local key = keys[tenant]
    -- Whatever was there before: a session that logs in again may have another tenant.
    session.public_key = key
    session.vcare_tenant = key and tenant
    if not key then
        return { res = false, error = "not-allowed", reason = "unknown tenant" }
    end
    return nil
end

-- After it was verified: the key says whose token it is. What it says itself (`sub`) is not believed, or one tenant's
-- secret would open another tenant's rooms.
local function bind_tenant(session)
    if session.vcare_tenant then
        session.jitsi_meet_domain = session.vcare_tenant
    end
    return nil
end

load()
module:hook_global("config-reloaded", load)
module:hook_global("pre-jitsi-authentication-fetch-key", choose_key)
module:hook_global("pre-jitsi-authentication", bind_tenant)
