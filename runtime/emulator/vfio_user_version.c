// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Negotiation: the version that both sides speak, and capabilities. The answer
 * names a subset of what the client named; what it leaves out has the protocol's
 * default.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "emulator/vfio_user_internal.h"

/*
 * A capability that is a number, at most @ours. Return: its value, which *reply then has, too; or
 * @otherwise if the client does not name it; or -1 if it is no positive number.
 */
static int64_t number(struct json_object *theirs, struct json_object *reply, const char *name,
		      int64_t ours, int64_t otherwise)
{
	struct json_object *v;
	int64_t value;

	if (!json_object_object_get_ex(theirs, name, &v))
		return otherwise;
	value = json_object_get_int64(v);
	if (!json_object_is_type(v, json_type_int) || value <= 0)
		return -1;
	if (value > ours)
		value = ours;
	json_object_object_add(reply, name, json_object_new_int64(value));
	return value;
}

/* Pages that both sides know; ours are all from VFU_PAGE on. Return: 0 or -EINVAL. */
static int page_sizes(struct json_object *theirs, struct json_object *reply)
{
	struct json_object *v;
	int64_t sizes;

	if (!json_object_object_get_ex(theirs, "pgsizes", &v))
		return 0;
	sizes = json_object_get_int64(v) & ~(int64_t)(VFU_PAGE - 1);
	if (!json_object_is_type(v, json_type_int) || !sizes)
		return -EINVAL;
	json_object_object_add(reply, "pgsizes", json_object_new_int64(sizes));
	return 0;
}

static int negotiate(struct vfu_client *client, struct json_object *theirs,
		     struct json_object *reply)
{
	struct json_object *v;
	int64_t fds, data, maps;

	fds = number(theirs, reply, "max_msg_fds", VFU_MAX_FDS, VFU_DEFAULT_MSG_FDS);
	data = number(theirs, reply, "max_data_xfer_size", VFU_MAX_DATA_XFER,
		      VFU_DEFAULT_DATA_XFER);
	maps = number(theirs, reply, "max_dma_maps", VFU_MAX_DMA_MAPS, VFU_DEFAULT_DMA_MAPS);
	if (fds < 0 || data < 0 || maps < 0 || page_sizes(theirs, reply))
		return -EINVAL;
	if (json_object_object_get_ex(theirs, "write_multiple", &v) && json_object_get_boolean(v))
		json_object_object_add(reply, "write_multiple", json_object_new_boolean(1));
	client->max_fds = (uint32_t)fds;
	client->max_data = (uint32_t)data;
	client->max_maps = (uint32_t)maps;
	return 0;
}

/* Return: 0 and *root (may be NULL: no data), or -EINVAL. */
static int parse(const struct vfu_msg *msg, struct json_object **root)
{
	const char *text = (const char *)msg->payload + sizeof(struct vfu_version_payload);
	size_t len = msg->len - sizeof(struct vfu_version_payload);
	struct json_tokener *tok;
	int err;

	*root = NULL;
	if (!len)
		return 0;
	if (text[len - 1] || len > INT32_MAX)
		return -EINVAL;
	tok = json_tokener_new();
	if (!tok)
		return -ENOMEM;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	*root = json_tokener_parse_ex(tok, text, (int)len);
	err = json_tokener_get_error(tok) == json_tokener_success &&
			      json_object_is_type(*root, json_type_object) ?
		      0 :
		      -EINVAL;
	json_tokener_free(tok);
	if (err) {
		json_object_put(*root);
		*root = NULL;
	}
	return err;
}

/* Our minor version is the smallest that there is: it is below every client's. */
static void answer(struct vfu_client *client, struct json_object *reply)
{
	const char *text = json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN);
	struct vfu_version_payload v = { VFU_VERSION_MAJOR, VFU_VERSION_MINOR };
	uint8_t *at = vfu_reply_room(client, sizeof(v) + strlen(text) + 1);

	memcpy(at, &v, sizeof(v));
	memcpy(at + sizeof(v), text, strlen(text) + 1);
}

int vfu_handle_version(struct vfu_server *srv, struct vfu_client *client)
{
	struct json_object *root, *theirs, *caps = NULL, *reply = NULL;
	struct vfu_version_payload v;
	int err;

	if (client->msg.len < sizeof(v) || client->msg.header.flags & VFU_FLAG_NO_REPLY)
		return -EINVAL;
	memcpy(&v, client->msg.payload, sizeof(v));
	if (v.major != VFU_VERSION_MAJOR) {
		vfu_log(srv, MHO_HW_LOG_ERROR,
			"the client speaks vfio-user %u.%u, this is %u.%u; use another QEMU",
			v.major, v.minor, VFU_VERSION_MAJOR, VFU_VERSION_MINOR);
		return -EINVAL;
	}
	err = parse(&client->msg, &root);
	if (err)
		return err;
	reply = json_object_new_object();
	caps = json_object_new_object();
	if (!reply || !caps) {
		json_object_put(caps);
		err = -ENOMEM;
		goto out;
	}
	json_object_object_add(reply, "capabilities", caps);
	if (!root || !json_object_object_get_ex(root, "capabilities", &theirs))
		theirs = NULL;
	err = theirs && !json_object_is_type(theirs, json_type_object) ?
		      -EINVAL :
		      negotiate(client, theirs, caps);
	if (err)
		goto out;
	answer(client, reply);
	client->negotiated = true;
	vfu_count(srv, VFU_C_clients);
	vfu_log(srv, MHO_HW_LOG_INFO, "client connected: %s",
		json_object_to_json_string_ext(caps, JSON_C_TO_STRING_PLAIN));
out:
	json_object_put(root);
	json_object_put(reply);
	return err;
}
