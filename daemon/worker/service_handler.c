/* SPDX-License-Identifier: MIT
 *
 * What the worker does with a handler before its first connection and after its last.
 */
#include "service_handler.h"

#include <errno.h>
#include <stdlib.h>

#include "broadcast.h"
#include "callbacks.h"
#include "config.h"
#include "inheritance.h"
#include "log.h"
#include "module.h"
#include "module_settle.h"
#include "region.h"
#include "service.h"

static int refuse(const struct service *service, const char *problem)
{
    log_error("module refused: %s server=%s module=%s", problem, service->config->name,
              service->config->module->path);
    return -EINVAL;
}

static int load_module(struct service *service)
{
    struct module_problem problem;

    if (module_code_load(&service->code, service->config->module->image, problem.text,
                         sizeof(problem.text)) < 0)
        return refuse(service, problem.text);
    service->handler = &service->code.handler;
    service->handler_config = module_settle(service->handler, service->config, &problem);
    return service->handler_config != NULL ? 0 : refuse(service, problem.text);
}

int service_load(struct service *service)
{
    int error = 0;

    service->handler = service->config->handler;
    service->handler_config = service->config->handler_config;
    if (service->config->module != NULL)
        error = load_module(service);
    if (error == 0)
        callbacks_wrap(&service->events, service);
    return error;
}

int service_open_commons(struct service *service, struct inherited_common *common)
{
    int error = broadcast_open(service, common);

    if (error == 0 && common->region_fd >= 0) {
        service->region = region_open(common->region_fd);
        common->region_fd = -1;
        error = service->region != NULL ? 0 : -errno;
    }
    if (error < 0)
        log_code(LOG_LEVEL_ERROR, error, "shared memory cannot be opened server=%s",
                 service->config->name);
    return error;
}

int service_start(struct service *service)
{
    struct prongd_service *handle = (struct prongd_service *)service;
    struct module_problem problem;
    int error = 0;

    broadcast_start(service);
    if (service->config->module != NULL &&
        module_settle_configure(service->handler, service->handler_config, service->config->name,
                                &problem) < 0)
        return refuse(service, problem.text);
    if (service->handler->start != NULL)
        error = service->handler->start(handle);
    service->is_started = error >= 0;
    if (error < 0)
        log_code(LOG_LEVEL_ERROR, error, "handler cannot start server=%s handler=%s",
                 service->config->name, service->handler->name);
    return error;
}

void service_end(struct service *service)
{
    if (service->is_started && service->handler->stop != NULL)
        service->handler->stop((struct prongd_service *)service);
    service->is_started = false;
}

void service_unload(struct service *service)
{
    if (service->config != NULL && service->config->module != NULL)
        free(service->handler_config);
    service->handler_config = NULL;
    module_code_clear(&service->code);
    broadcast_close(service);
    region_free(service->region);
    service->region = NULL;
}
