/* Ridge regression in folds: a sample of events cut into folds, and each fold's equations in block
 * tridiagonal form, which serve all penalties and responses. */
#ifndef MMN_STUDY_RIDGE_EQUATIONS_H
#define MMN_STUDY_RIDGE_EQUATIONS_H

#include "base/memory.h"
#include "study/ridge.h"
#include "study/tridiagonal.h"

/* Training is all but what is held out: rows first to test - 1 validate, test to end - 1 test. */
typedef struct mmn_ridge_fold {
    size_t first, test, end;
    double events;            /* of training */
    double *mean, *deviation; /* of features in training; a deviation of 0 where one is constant */
    mmn_tridiagonal equations;
    double *factors; /* [penalties] */
    double *held;    /* [unknowns][rows held out]: predictions are held' times a solution */
} mmn_ridge_fold;

typedef struct mmn_ridge {
    const mmn_algebra *algebra;
    const mmn_ridge_data *data;
    mmn_ridge_fold folds[MMN_RIDGE_FOLDS];
    /* A row is an event with the number of its copies in one part of a fold. */
    size_t rows;
    uint32_t *events;     /* [rows] */
    double *counts;       /* [rows] */
    bool dual;            /* more features than training events: equations of events */
    double *sums;         /* [folds][features], each event as often as it was drawn */
    double *weighted;     /* [rows][features], times the roots of counts; not if dual */
    double *standardised; /* [features][rows], training first, times the roots; if dual */
    double *work;         /* of the reduction */
    size_t factor_size;   /* of a penalty's factor */
    struct mmn_ridge_columns *columns; /* for a block of responses */
    size_t numbers;                    /* that it has memory for */
    mmn_blocks blocks;
} mmn_ridge;

/* Memory for samples of data->events events. */
mmn_status mmn_ridge_make_equations_room(mmn_ridge *ridge, mmn_error *error);
/* Numbers that belong to a regression, or NULL. */
double *mmn_ridge_room(mmn_ridge *ridge, size_t rows, size_t columns, mmn_error *error);

/* Cuts a sample into folds, and makes each fold's equations and their factors. */
mmn_status mmn_ridge_equate(mmn_ridge *ridge, const uint32_t *drawn, mmn_error *error);

/* The unknowns of a fold's equations: features, or rows of training. */
size_t mmn_ridge_unknowns(const mmn_ridge *ridge, const mmn_ridge_fold *fold);

/* sum over the folds but `out`, in their order, of number i of each, `size` apart. */
double mmn_ridge_of_training(const double *folds, size_t size, size_t out, size_t i);

#endif
