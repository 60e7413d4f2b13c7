/* Coefficients of the elementary functions, lowest power first, as make_coefficients.py derives
 * them. */
#ifndef MMN_REFERENCE_COEFFICIENTS_H
#define MMN_REFERENCE_COEFFICIENTS_H

/* (exp(r) - 1 - r) / r^2 on |r| <= ln(2)/2. */
static const float mmn_exp_coefficients[] = {
    0x1.000000p-1f, 0x1.5554dep-3f, 0x1.55551ap-5f, 0x1.120b62p-7f, 0x1.6d10fcp-10f,
};
static const double mmn_exp_f64_coefficients[] = {
    0x1.000000p-1, 0x1.5555555555557p-3, 0x1.5555555555556p-5, 0x1.11111111100dfp-7,
    0x1.6c16c16c162d6p-10, 0x1.a01a01abe62ddp-13, 0x1.a01a01a6d7808p-16, 0x1.71de02375656cp-19,
    0x1.27e4db67b4303p-22, 0x1.af4ddd84882fep-26, 0x1.1f72fc730b4ffp-29,
};

/* exp(z^2) erfc(z) by t = (z - 4) / (z + 4), 0 <= z <= 10.5. */
static const double mmn_erfc_coefficients[] = {
    0x1.18932bf097b54p-3, -0x1.0949227301985p-2, 0x1.bff01a583cbbcp-3, -0x1.5066673fec3f8p-3,
    0x1.be502da7e3df4p-4, -0x1.027d496403064p-4, 0x1.0066d8add8dcdp-5, -0x1.a4e31985e7770p-7,
    0x1.0a0fce86dfedap-8, -0x1.a1f5847441117p-11, -0x1.2a653bc3d37cap-16, 0x1.4961f6e9c7183p-14,
    -0x1.004ab86c28e98p-15, -0x1.5e98c21e2baa9p-17,
};

/* erf(z) / z by z^2, |z| <= 1. */
static const double mmn_erf_coefficients[] = {
    0x1.20dd750429b19p+0, -0x1.812746b0271ecp-2, 0x1.ce2f2197bc2efp-4, -0x1.b82ce15c3b7f8p-6,
    0x1.565ba0406c001p-8, -0x1.c0286cad68e02p-11, 0x1.f941bed7e7847p-14, -0x1.f0705a1dde9aap-17,
    0x1.9ae0986f9de4fp-20, -0x1.c1a515de8637ap-24,
};

/* (log((1 + s) / (1 - s)) - 2s) / s^3 by s^2, s^2 <= 0.02944. */
static const double mmn_log_coefficients[] = {
    0x1.5555555555555p-1, 0x1.999999999999ap-2, 0x1.2492492492486p-2, 0x1.c71c71c71f25dp-3,
    0x1.745d17437dda5p-3, 0x1.3b13b261341c9p-3, 0x1.1110b8c856d25p-3, 0x1.e2029886fadb8p-4,
    0x1.ab83b15497320p-4, 0x1.bedc792bacafdp-4,
};

/* (sin(x) - x) / x^3 and (cos(x) - 1 + x^2 / 2) / x^4 by x^2, |x| <= pi/4. */
static const double mmn_sin_coefficients[] = {
    -0x1.5555555555555p-3, 0x1.1111111110bb2p-7, -0x1.a01a019e83aaep-13, 0x1.71de37968a100p-19,
    -0x1.ae600b02b6262p-26, 0x1.5e0b19f8b1451p-33,
};
static const double mmn_cos_coefficients[] = {
    0x1.5555555555555p-5, -0x1.6c16c16c16967p-10, 0x1.a01a019f4eb01p-16, -0x1.27e4fa17da09ep-22,
    0x1.1eeb68e93b64cp-29, -0x1.907da367a37cbp-37,
};

#endif
