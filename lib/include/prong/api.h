/* SPDX-License-Identifier: MIT
 *
 * What every public header needs to declare a function: C linkage and visibility.
 */
#ifndef PRONG_API_H
#define PRONG_API_H

#define PRONG_API __attribute__((visibility("default")))

/* A result that must be looked at. */
#define PRONG_CHECK __attribute__((warn_unused_result))

#ifdef __cplusplus
#define PRONG_BEGIN extern "C" {
#define PRONG_END   }
#else
#define PRONG_BEGIN
#define PRONG_END
#endif

#endif
