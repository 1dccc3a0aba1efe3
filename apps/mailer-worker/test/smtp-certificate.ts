export { makeCertificate } from '@reconfirm/local-stack/testing';
