#include "state/libvirt/actions.h"

#include "state/libvirt/handle.h"
#include "state/libvirt/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

virDomainPtr action_domain(virConnectPtr connection, const char *uuid, struct error *err)
{
	virDomainPtr domain = virDomainLookupByUUIDString(connection, uuid);
	if (domain == NULL) {
		libvirt_error(err, NULL);
	}
	return domain;
}

int action_set_autostart(virConnectPtr connection, const char *uuid, bool autostart, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainSetAutostart(domain, autostart ? 1 : 0) < 0 ? libvirt_error(err, "autostart") : 0;
}

int action_undefine(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	/* One that runs would run on without a definition, and be gone with its process. */
	if (virDomainIsActive(domain) == 1) {
		return error_set(err, -EPERM, "it has been started");
	}
	/* Nothing that only this host has may go with the definition. */
	const unsigned int flags = VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | VIR_DOMAIN_UNDEFINE_KEEP_TPM;
	return virDomainUndefineFlags(domain, flags) < 0 ? libvirt_error(err, "undefine") : 0;
}

int action_define(virConnectPtr from, virConnectPtr to, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr source = action_domain(from, uuid, err);
	if (source == NULL) {
		return -ENOENT;
	}
	const unsigned int flags = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE;
	cleanup_text char *xml = virDomainGetXMLDesc(source, flags);
	if (xml == NULL) {
		return libvirt_error(err, "its definition");
	}
	cleanup_domain virDomainPtr target = virDomainDefineXMLFlags(to, xml, VIR_DOMAIN_DEFINE_VALIDATE);
	return target == NULL ? libvirt_error(err, "define") : 0;
}

int action_state(virConnectPtr connection, const char *uuid, int *ret_state, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	int reason;
	return virDomainGetState(domain, ret_state, &reason, 0) < 0 ? libvirt_error(err, NULL) : 0;
}

int action_shutdown(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainShutdown(domain) < 0 ? libvirt_error(err, "shutdown") : 0;
}

int action_start(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainCreate(domain) < 0 ? libvirt_error(err, "start") : 0;
}

int action_resume(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	if (domain == NULL) {
		return -ENOENT;
	}
	return virDomainResume(domain) < 0 ? libvirt_error(err, "resume") : 0;
}

int action_end_remnant(virConnectPtr connection, const char *uuid, struct error *err)
{
	cleanup_domain virDomainPtr domain = action_domain(connection, uuid, err);
	int state = 0;
	int reason = 0;
	if (domain == NULL) {
		return -ENOENT;
	}
	if (virDomainGetState(domain, &state, &reason, 0) < 0) {
		return libvirt_error(err, NULL);
	}
	bool stands = state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_MIGRATION;
	if (!stands && state != VIR_DOMAIN_SHUTOFF) { /* off: it was ended, and not yet undefined */
		return error_set(err, -EPERM, "it does not stand still for a migration");
	}
	if (stands && virDomainDestroy(domain) < 0) {
		return libvirt_error(err, "what is left of it");
	}
	return action_undefine(connection, uuid, err);
}

/* A guest that ends by itself meanwhile, or one that is gone with its process, is what was wanted. */
int action_remove(virConnectPtr connection, const char *uuid, struct error *err)
{
	const unsigned int flags =
	        VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | VIR_DOMAIN_UNDEFINE_KEEP_TPM | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;
	virDomainPtr domain = action_domain(connection, uuid, NULL);
	if (domain != NULL && virDomainIsActive(domain) == 1 && virDomainDestroy(domain) < 0 &&
	    virDomainIsActive(domain) == 1) {
		int r = libvirt_error(err, "destroy");
		virDomainFree(domain);
		return r;
	}
	if (domain != NULL) {
		virDomainFree(domain);
	}
	domain = virDomainLookupByUUIDString(connection, uuid);
	if (domain == NULL) {
		virErrorPtr last = virGetLastError();
		return last != NULL && last->code == VIR_ERR_NO_DOMAIN ? 0 : libvirt_error(err, NULL);
	}
	int r = virDomainUndefineFlags(domain, flags) < 0 ? libvirt_error(err, "undefine") : 0;
	virDomainFree(domain);
	return r;
}
