-- What the virtual care service needs of Prosody and docker-jitsi-meet has no variable for. It is copied beside the
-- generated configuration; options outside of a host hold for all of them.
--
-- Variables of the container: VCARE_INTERNAL_URL, XMPP_DOMAIN, XMPP_MUC_DOMAIN, XMPP_HIDDEN_DOMAIN.

local domain = ENV_XMPP_DOMAIN or "meet.jitsi"
local muc = ENV_XMPP_MUC_DOMAIN or ("muc." .. domain)
local service = assert(ENV_VCARE_INTERNAL_URL, "VCARE_INTERNAL_URL is not set") .. "/internal/jitsi"

-- From a file, because the environment of a container is shown to whoever may inspect it. Prosody runs as uid 1000: what
-- only root may read stops it here, and the message says so.
local token = assert(io.open("/run/vcare/internal_token", "r"))
local headers = { ["Authorization"] = "Bearer " .. assert(token:read("l"), "/run/vcare/internal_token is empty") }
token:close()

-- mod_reservations asks us before a room begins; its address is PROSODY_RESERVATION_REST_BASE_URL.
reservations_api_headers = headers
reservations_api_timeout = 5
-- The limit that we answer is kept only with this, and only if MAX_PARTICIPANTS is set too.
reservations_enable_max_occupants = true

-- Jibri's own browser comes without a token of ours.
token_verification_allowlist = { ENV_XMPP_HIDDEN_DOMAIN or ("hidden." .. domain) }

-- Tells us who comes and goes. The module is in the image, below /prosody-plugins-contrib.
Component("esync." .. domain) "event_sync_component"
    muc_component = muc
    api_prefix = service
    api_headers = headers
    api_timeout = 5
    -- Hints, and never the whole user context: we know our people by their id.
    include_user_info = false
