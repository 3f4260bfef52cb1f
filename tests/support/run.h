/* The main of every unit test: one suite of one case, run and counted. */
#ifndef SESAME_TESTS_SUPPORT_RUN_H
#define SESAME_TESTS_SUPPORT_RUN_H

#include <check.h>
#include <stdlib.h>

/* Runs `tests` (a list of TTest that ends with NULL) between `setup` and `teardown`, either NULL.
 */
static inline int run_tests(const char *name, const TTest *const *tests, void (*setup)(void),
                            void (*teardown)(void))
{
    Suite *suite = suite_create(name);
    TCase *group = tcase_create(name);
    SRunner *runner;
    int failed;

    tcase_set_timeout(group, 60);
    if (setup != NULL || teardown != NULL)
        tcase_add_checked_fixture(group, setup, teardown);
    for (size_t i = 0; tests[i] != NULL; i++)
        tcase_add_test(group, tests[i]);
    suite_add_tcase(suite, group);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
