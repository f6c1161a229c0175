/** Configuration: where the control plane is and how Grafana proves that it may ask; tested before anybody relies on it. */
import React, { useId, useState } from 'react';
import type { AppPluginMeta, PluginConfigPageProps } from '@grafana/data';
import { getBackendSrv, isFetchError } from '@grafana/runtime';
import { Alert, Button, Field, FieldSet, Input, SecretInput, Stack } from '@grafana/ui';
import { zodResolver } from '@hookform/resolvers/zod';
import { Controller, useForm } from 'react-hook-form';
import { lastValueFrom } from 'rxjs';
import { z } from 'zod';
import { PLUGIN_ID } from '../plugin-id';
import { testConnection, type Finding } from './test-connection';

interface Settings {
  apiUrl?: string;
}

const Form = z.object({
  apiUrl: z
    .url({ protocol: /^https?$/, error: 'An address such as http://control:4000' })
    .refine((url) => !url.endsWith('/'), 'Without a slash at its end'),
  apiToken: z.string(),
});
type Entered = z.infer<typeof Form>;

export function ConnectionPage({ plugin }: PluginConfigPageProps<AppPluginMeta<Settings>>) {
  const { enabled, pinned, jsonData, secureJsonFields } = plugin.meta;
  const [tokenSet, setTokenSet] = useState(secureJsonFields?.['apiToken'] ?? false);
  const [findings, setFindings] = useState<readonly Finding[]>([]);
  const [urlId, tokenId] = [useId(), useId()];
  const form = useForm<Entered>({
    resolver: zodResolver(Form),
    defaultValues: { apiUrl: jsonData?.apiUrl ?? '', apiToken: '' },
  });
  const { errors, isSubmitting } = form.formState;

  const save = form.handleSubmit(async ({ apiUrl, apiToken }) => {
    setFindings([]);
    if (!tokenSet && apiToken === '') {
      form.setError('apiToken', { message: 'The service asks for it: the value of its PLUGIN_BEARER' });
      return;
    }
    try {
      const data = {
        enabled: true,
        pinned: pinned ?? false,
        jsonData: { apiUrl },
        ...(apiToken ? { secureJsonData: { apiToken } } : {}),
      };
      await lastValueFrom(
        getBackendSrv().fetch({
          url: `/api/plugins/${PLUGIN_ID}/settings`,
          method: 'POST',
          data,
          showErrorAlert: false,
          showSuccessAlert: false,
        })
      );
    } catch (error) {
      setFindings([
        {
          ok: false,
          title: 'Not saved',
          detail: isFetchError(error) ? (error.data?.message ?? error.statusText ?? '') : String(error),
        },
      ]);
      return;
    }
    setTokenSet(true);
    form.reset({ apiUrl, apiToken: '' });
    setFindings(await testConnection());
  });

  return (
    <form onSubmit={save} noValidate>
      {!enabled && (
        <Alert severity="info" title="The plugin is disabled">
          Saving enables it.
        </Alert>
      )}
      <FieldSet label="Control plane">
        <Field
          label="Address of the service"
          description="As Grafana’s server reaches it, without a path"
          htmlFor={urlId}
          invalid={!!errors.apiUrl}
          error={errors.apiUrl?.message}
        >
          <Input id={urlId} width={60} placeholder="http://control:4000" {...form.register('apiUrl')} />
        </Field>
        <Field
          label="Bearer token"
          description="The service knows Grafana by it; it never reaches a browser again"
          htmlFor={tokenId}
          invalid={!!errors.apiToken}
          error={errors.apiToken?.message}
        >
          <Controller
            name="apiToken"
            control={form.control}
            // A configured token is a disabled input, and a form that holds a disabled one takes the value for gone.
            render={({ field: { ref: _ref, ...bound } }) => (
              <SecretInput
                id={tokenId}
                width={60}
                isConfigured={tokenSet}
                placeholder="Value of PLUGIN_BEARER"
                onReset={() => setTokenSet(false)}
                {...bound}
              />
            )}
          />
        </Field>
        <Stack gap={1}>
          <Button type="submit" disabled={isSubmitting}>
            {isSubmitting ? 'Testing …' : 'Save and test'}
          </Button>
          <Button
            type="button"
            variant="secondary"
            disabled={isSubmitting || !enabled}
            onClick={async () => setFindings(await testConnection())}
          >
            Test
          </Button>
        </Stack>
      </FieldSet>
      {findings.map(({ ok, title, detail }) => (
        <Alert key={title} severity={ok ? 'success' : 'error'} title={title}>
          {detail}
        </Alert>
      ))}
    </form>
  );
}
