/* Elementary functions from IEEE operations alone, without branches, the same bits everywhere.
 *
 * mmn_exp computes in f32, for softmax. The other f32 functions compute in f64 and round once, so
 * that their errors are hardly above half an ULP, denormal results included. Each gives NaN for
 * NaN. doc/numerics.md has the steps, the constants and the measured errors. */
#ifndef MMN_REFERENCE_FUNCTIONS_H
#define MMN_REFERENCE_FUNCTIONS_H

float mmn_exp(float x);

/* Odd, and -0 for -0. */
float mmn_tanh(float x);
float mmn_erf(float x);

/* For |x| <= 2^20 radians; NaN beyond. */
float mmn_sin(float x);
float mmn_cos(float x);

/* -infinity for 0, NaN for x < 0. */
float mmn_log(float x);

/* 1 / (1 + exp(-x)) */
float mmn_sigmoid(float x);

/* x times a distribution function of x: the logistic one, the normal one, the logistic ones of
 * 2 sqrt(2/pi) (x + 0.044715 x^3) and of 1.702 x. Positive exactly where x is, but for x = 2^-149,
 * whose half rounds to 0 (in gelu, up). Great negative x give -0, and -infinity NaN, as infinity
 * times 0 does. */
float mmn_silu(float x);
float mmn_gelu(float x);
float mmn_gelu_tanh(float x);
float mmn_quick_gelu(float x);

/* The derivatives of these four; NaN for infinities. */
float mmn_silu_slope(float x);
float mmn_gelu_slope(float x);
float mmn_gelu_tanh_slope(float x);
float mmn_quick_gelu_slope(float x);

double mmn_exp_f64(double x);
double mmn_log_f64(double x);

#endif
